import { execFile } from 'node:child_process'
import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const SCRIPT = join(ROOT, 'scripts', 'generate-reference.mjs')

async function generate(...args: readonly string[]): Promise<{ code: number; stderr: string }> {
  try {
    const { stderr } = await run(process.execPath, [SCRIPT, ...args], { cwd: ROOT })
    return { code: 0, stderr }
  } catch (error) {
    return error as { code: number; stderr: string }
  }
}

test.concurrent('the reference pages are what the code says', async () => {
  expect(await generate('--check')).toMatchObject({ code: 0, stderr: '' })
})

test.concurrent('a stale page is found and named', async () => {
  const docs = await mkdtemp(join(tmpdir(), 'flatfhir-docs-'))
  await cp(join(ROOT, 'docs', 'reference'), docs, { recursive: true })
  await appendFile(join(docs, 'cli.md'), '\nchanged by hand\n')

  const { code, stderr } = await generate('--check', '--docs', docs)

  expect(code).toBe(1)
  expect(stderr).toBe('docs/reference/cli.md is stale: run node scripts/generate-reference.mjs\n')
  await rm(docs, { recursive: true })
})
