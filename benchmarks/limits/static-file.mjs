// Serves one file by nginx, or without nginx by a few lines of Node.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Child } from '../provider/child.mjs'
import { send } from '../provider/http-exports.mjs'
import { spawnOwned, stopProcess } from '../provider/owned-process.mjs'

const READY_SECONDS = 10

/**
 * @param {string} path
 * @param {string} work Folder for nginx's own files.
 * @returns {Promise<{ name: string, url: string, stop: () => Promise<void> }>}
 */
export async function startFileServer(path, work) {
  const version = await nginxVersion()
  if (version === undefined) {
    const child = await Child.startModule(new URL('./file-server.mjs', import.meta.url), path)
    const name = 'a bare node:http server (nginx is not installed)'
    return { name, url: child.firstLine, stop: () => child.stop() }
  }
  return startNginx(path, { work, version })
}

async function nginxVersion() {
  try {
    const { stderr } = await promisify(execFile)('nginx', ['-v'])
    return /nginx\/([\d.]+)/.exec(stderr)?.[1]
  } catch {
    return undefined
  }
}

async function startNginx(path, { work, version }) {
  const prefix = join(work, 'nginx')
  await mkdir(prefix, { recursive: true })
  const port = await freePort()
  const configuration = join(prefix, 'nginx.conf')
  await writeFile(configuration, nginxConfiguration({ prefix, port, root: dirname(path) }))
  const errorLog = join(prefix, 'error.log')
  const child = spawnOwned('nginx', ['-p', prefix, '-c', configuration, '-e', errorLog])
  const url = `http://127.0.0.1:${port}/${basename(path)}`
  const stop = () => stopProcess(child)
  try {
    await untilAnswers(`http://127.0.0.1:${port}/ready`)
  } catch (error) {
    await stop()
    throw error
  }
  return { name: `nginx ${version}`, url, stop }
}

function nginxConfiguration({ prefix, port, root }) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  // The folder may be readable to this user only.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  return `
${user}
daemon off;
worker_processes 1;
pid ${prefix}/nginx.pid;
error_log ${prefix}/error.log;
events { worker_connections 64; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  ${temporary.map((name) => `${name}_temp_path ${prefix}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    root ${root};
    location = /ready { return 204; }
  }
}
`
}

async function untilAnswers(url) {
  const deadline = performance.now() + READY_SECONDS * 1000
  for (;;) {
    try {
      return await send(url)
    } catch (error) {
      if (performance.now() > deadline) throw error
      await delay(20)
    }
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
