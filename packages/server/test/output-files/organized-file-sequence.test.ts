import fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OutputFile } from '../../src/job-store.ts'
import { DirectoryOutputFileStore } from '../../src/output-files/directory-output-file-store.ts'
import { OrganizedFileSequence } from '../../src/output-files/organized-file-sequence.ts'

const JOB_ID = '00112233445566778899aabbccddeeff'

let directory: string
let store: DirectoryOutputFileStore

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-organized-'))
  store = new DirectoryOutputFileStore(directory)
})

afterAll(async () => {
  await rm(directory, { recursive: true })
})

function newSequence(maxFileBytes: number): OrganizedFileSequence {
  let count = 0
  return new OrganizedFileSequence({
    ...{ store, jobId: JOB_ID, maxFileBytes, gzipLevel: 1, storedEncoding: 'identity' },
    ...{ kind: 'output', type: 'Patient' },
    nextFileId: () => (count += 1).toString(16).padStart(32, '0'),
    headerOf: (id) => Buffer.from(`#${id}\n`),
  })
}

/** Blocks as they are read back: organizer and lines, with the files that each is in. */
async function readBack(
  files: readonly OutputFile[],
): Promise<readonly { id: string; lines: readonly string[]; files: readonly string[] }[]> {
  const blocks: { id: string; lines: string[]; files: string[] }[] = []
  let continues: string | undefined
  for (const { fileId, resourceCount, bytes, continuesInFileId } of files) {
    const stream = await store.read({ jobId: JOB_ID, fileId })
    const content = stream === undefined ? '' : await text(stream)
    const lines = content.split('\n').slice(0, -1)
    expect([lines.length, content.length]).toEqual([resourceCount, bytes])
    for (const [index, line] of lines.entries()) {
      const last = blocks.at(-1)
      if (!line.startsWith('#')) last?.lines.push(line)
      else if (index === 0 && continues === fileId && last?.id === line.slice(1)) {
        last.files.push(fileId)
      } else {
        expect(continues === fileId && index === 0).toBe(false)
        blocks.push({ id: line.slice(1), lines: [], files: [fileId] })
      }
    }
    continues = continuesInFileId
  }
  expect(continues).toBeUndefined()
  return blocks
}

test('begins each block with its header, and splits none that fits into half a file', async () => {
  const sizes = fc.array(
    fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 9 }),
    {
      maxLength: 9,
    },
  )
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 8, max: 120 }), async (blocks, maxFileBytes) => {
      const sequence = newSequence(maxFileBytes)
      for (const [n, lines] of blocks.entries()) {
        // Two calls for one block, as for one that is read in pieces.
        const [first = 0, ...rest] = lines
        for (const part of [[first], rest]) {
          await sequence.write(
            Buffer.from(part.map((size) => `${lineOf(size)}\n`).join('')),
            `${n}`,
          )
        }
      }

      const files = await sequence.commit()

      const found = await readBack(files)
      expect(found.map(({ id, lines }) => [id, lines])).toEqual(
        blocks.map((lines, n) => [`${n}`, lines.map(lineOf)]),
      )
      for (const { id, lines, files: parts } of found) {
        const bytes = lines.join('\n').length + 1 + id.length + 2
        if (2 * bytes <= maxFileBytes) expect(parts).toHaveLength(1)
      }
      for (const { bytes, resourceCount } of files) {
        // Beyond the limit only with a header and a single larger line.
        if (bytes > maxFileBytes) expect(resourceCount).toBe(2)
      }
    }),
    { numRuns: 80 },
  )
})

test('writes no file without a block', async () => {
  expect(await newSequence(100).commit()).toEqual([])
})

function lineOf(size: number): string {
  return 'x'.repeat(size)
}
