import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inProcess } from './buffer-io.ts'
import { CommandProcess } from './command-process.ts'

const HEADERS = { prefer: 'respond-async' }

test('serve --export-edition stu4 makes $export speak STU4, by POST only', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'flatfhir-edition-'))
  const server = new CommandProcess([
    ...['serve', '--auth', 'none', '--data', directory, '--port', '0', '--log-level', 'warn'],
    ...['--export-edition', 'stu4'],
  ])
  try {
    const [, url = ''] = await server.written(/serving (\S+)/)

    const get = await fetch(`${url}/$export`, { headers: HEADERS })
    const post = await fetch(`${url}/$export`, { method: 'POST', headers: HEADERS })

    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
    expect(post.status).toBe(202)
  } finally {
    await server[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  }
})

test('serve takes no other edition', async () => {
  const { code, err } = await inProcess(['serve', '--data', 'x', '--export-edition', 'stu5'])

  expect(code).toBe(2)
  expect(err).toContain('--export-edition: expected one of')
})
