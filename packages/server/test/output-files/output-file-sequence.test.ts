import fc from 'fast-check'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectoryOutputFileStore } from '../../src/output-files/directory-output-file-store.ts'
import { OutputFileSequence } from '../../src/output-files/output-file-sequence.ts'

const JOB_ID = '00112233445566778899aabbccddeeff'

let directory: string
let store: DirectoryOutputFileStore

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-sequence-'))
  store = new DirectoryOutputFileStore(directory)
})

afterAll(async () => {
  await rm(directory, { recursive: true })
})

function newSequence(maxFileBytes: number): OutputFileSequence {
  let count = 0
  return new OutputFileSequence({
    ...{ store, jobId: JOB_ID, maxFileBytes, gzipLevel: 1, storedEncoding: 'gzip' },
    ...{ kind: 'output', type: 'Patient' },
    nextFileId: () => (count += 1).toString(16).padStart(32, '0'),
  })
}

function linesOf(sizes: readonly number[]): Buffer {
  return Buffer.from(sizes.map((size) => `${'x'.repeat(size - 1)}\n`).join(''))
}

async function contentOf(fileId: string): Promise<Buffer> {
  const stream = await store.read({ jobId: JOB_ID, fileId })
  if (stream === undefined) throw new Error('The file is missing')
  return gunzipSync(await buffer(stream))
}

test('fills files up to the limit, never beyond it but for a single larger line', async () => {
  const lineSizes = fc.integer({ min: 1, max: 40 })
  const blocks = fc.array(fc.array(lineSizes, { minLength: 1, maxLength: 12 }), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(blocks, fc.integer({ min: 1, max: 100 }), async (sizes, maxFileBytes) => {
      const sequence = newSequence(maxFileBytes)

      for (const lines of sizes) await sequence.write(linesOf(lines), lines.length)
      const files = await sequence.commit()

      const contents = await Promise.all(files.map(({ fileId }) => contentOf(fileId)))
      expect(Buffer.concat(contents).equals(linesOf(sizes.flat()))).toBe(true)
      const expected = filesByHand(sizes.flat(), maxFileBytes)
      expect(files.map(({ bytes, resourceCount }) => [bytes, resourceCount])).toEqual(expected)
    }),
    { numRuns: 60 },
  )
})

/** Bytes and lines of each file, one line at a time. */
function filesByHand(sizes: readonly number[], maxFileBytes: number): [number, number][] {
  const files: [number, number][] = []
  for (const size of sizes) {
    const last = files.at(-1)
    if (last !== undefined && last[0] + size <= maxFileBytes) {
      last[0] += size
      last[1] += 1
    } else {
      files.push([size, 1])
    }
  }
  return files
}

test('makes no file of nothing', async () => {
  const sequence = newSequence(100)

  await sequence.write(new Uint8Array(0), 0)

  expect(await sequence.commit()).toEqual([])
})

test('leaves nothing of a file that was given up', async () => {
  await store.deleteJob(JOB_ID)
  const sequence = newSequence(100)
  await sequence.write(linesOf([10, 10]), 2)

  await sequence.abort()

  expect(await readdir(join(directory, JOB_ID))).toEqual([])
})
