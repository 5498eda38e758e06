import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { REQUIREMENTS } from '@flatfhir/conformance'
import { expect, test } from 'vitest'

const SCRIPT = fileURLToPath(new URL('../../scripts/generate-conformance.mjs', import.meta.url))

test('every requirement has a proof or a reason, and CONFORMANCE.md says so', async () => {
  const run = promisify(execFile)(process.execPath, [SCRIPT, '--check'])

  await expect(run).resolves.toMatchObject({ stderr: '' })
})

test('every row says what is asked for, briefly, and where the specification does', () => {
  for (const [id, { behavior, source }] of Object.entries(REQUIREMENTS)) {
    expect(behavior, id).toMatch(/^\S.{10,220}[.]$/)
    expect(source, id).toMatch(/^https:\/\/[^\s#]+(#\S+)?$/)
  }
})
