// Processes that are measured from outside.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawnOwned, stopProcess } from './owned-process.mjs'

const COMMAND = fileURLToPath(new URL('../../packages/cli/dist/bin.js', import.meta.url))

/** A process that said on its first line of output that it is ready. */
export class Child {
  #process
  /** Its first line of output. */
  firstLine = ''

  /**
   * @param {string} command
   * @param {readonly string[]} args
   */
  static async start(command, args) {
    const child = new Child()
    child.#process = spawnOwned(command, args)
    const ended = once(child.#process, 'exit').then(([code]) => {
      throw new Error(`${command} ended with exit code ${code} before it was ready`)
    })
    ended.catch(() => undefined)
    const lines = createInterface({ input: child.#process.stdout })
    const [line] = await Promise.race([once(lines, 'line'), ended])
    child.firstLine = line
    return child
  }

  /** A module of ours, run by this same Node. */
  static async startModule(url, ...args) {
    return Child.start(process.execPath, [fileURLToPath(url), ...args])
  }

  /**
   * `VmRSS` is the memory now, `VmHWM` the most there ever was.
   *
   * @param {'VmRSS' | 'VmHWM'} field
   * @returns {Promise<number>} MB
   */
  async memory(field) {
    const status = await readFile(`/proc/${this.#process.pid}/status`, 'utf8')
    const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)
    return (Number(kib) * 1024) / 1e6
  }

  async stop() {
    await stopProcess(this.#process)
  }
}

/**
 * The real server, as `flatfhir serve` runs it.
 *
 * @param {string} directory
 * @param {readonly string[]} [flags]
 */
export async function startServer(directory, flags = []) {
  const always = ['--port', '0', '--json', '--log-level', 'warn', '--minimum-in-progress', '0ms']
  // What is measured is exports, not logins.
  const args = [COMMAND, 'serve', '--auth', 'none', '--data', directory, ...always, ...flags]
  const child = await Child.start(process.execPath, args)
  const { fhirBaseUrl } = JSON.parse(child.firstLine)
  return { child, fhirBaseUrl }
}
