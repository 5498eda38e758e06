import { EncryptedOutputFileStore, EncryptionKey } from '@flatfhir/server'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  countIds,
  everyIdOnce,
  startExports,
  storedNames,
  SYSTEM_EXPORT,
  untilComplete,
} from '../../jobs/export-fixture.ts'

const TYPES = [
  { type: 'Patient', count: 2000, lineBytes: 200, linesPerBlock: 100 },
  { type: 'Observation', count: 5000, lineBytes: 300, linesPerBlock: 500 },
] as const

test.each(['none', 'gzip'] as const)(
  'an export through worker threads is encrypted, whole, and destroyed (%s)',
  async (compression) => {
    const directory = await mkdtemp(join(tmpdir(), 'flatfhir-encrypted-jobs-'))
    const filesDirectory = join(directory, 'encrypted')
    const key = new EncryptionKey(randomBytes(32))
    const files = new EncryptedOutputFileStore({ directory: filesDirectory, key })
    try {
      await using exports = await startExports(TYPES, {
        directory,
        files,
        compression,
        partitionBytes: 300_000,
        maxFileBytes: 200_000,
      })
      const { jobId } = await exports.exportJobs.kickOff(SYSTEM_EXPORT)

      const outputFiles = await untilComplete(exports.exportJobs, jobId)

      expect(outputFiles.length).toBeGreaterThan(5)
      expect(await countIds(exports.exportJobs, jobId)).toEqual(everyIdOnce(TYPES))
      const names = await storedNames(filesDirectory)
      const expected = [...outputFiles.map(({ fileId }) => fileId), 'job.key']
      expect(names).toEqual(expected.map((name) => `${jobId}/${name}`).sort())
      for (const name of names) {
        const stored = await readFile(join(filesDirectory, name))
        expect(stored.includes('resourceType')).toBe(false)
      }

      await exports.exportJobs.delete(jobId)

      expect(await readdir(filesDirectory)).toEqual([])
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  },
)
