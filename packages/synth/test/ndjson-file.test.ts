import fc from 'fast-check'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NdjsonFile } from '../src/ndjson-file.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-ndjson-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

const anyLine = fc
  .tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), fc.nat({ max: 20_000 }))
  .map(([text, repeats]) => text.replaceAll('\n', ' ').repeat(repeats + 1))

test('the file holds the lines, whatever their length and script', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyLine, { maxLength: 12 }), async (lines) => {
      const path = join(directory, 'lines.ndjson')
      const file = new NdjsonFile(await open(path, 'w'))

      for (const line of lines) if (!file.appendLine(line)) await file.flush()
      await file.close()

      const text = await readFile(path, 'utf8')
      expect(text === lines.map((line) => `${line}\n`).join('')).toBe(true)
      expect(file.resourceCount).toBe(lines.length)
      expect(file.bytes).toBe(Buffer.byteLength(text))
    }),
    { numRuns: 40 },
  )
})

test('asks for a flush before more than its buffer is waiting', async () => {
  const file = new NdjsonFile(await open(join(directory, 'full.ndjson'), 'w'))
  let taken = 0

  while (file.appendLine('x'.repeat(999))) taken += 1
  await file.close()

  expect(taken * 1000).toBeGreaterThan(250 * 1024)
  expect(taken * 1000).toBeLessThanOrEqual(256 * 1024)
})

test('pieces make one line, which counts once', async () => {
  const path = join(directory, 'pieces.ndjson')
  const file = new NdjsonFile(await open(path, 'w'))

  for (const piece of ['{"a":', '1', '}\n', '{}\n']) file.appendPiece(piece)
  await file.close()

  expect(await readFile(path, 'utf8')).toBe('{"a":1}\n{}\n')
  expect(file.resourceCount).toBe(2)
})
