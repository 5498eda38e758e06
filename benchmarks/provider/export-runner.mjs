// Export jobs in this process, on the real stores, without HTTP.
import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DirectoryOutputFileStore,
  EncryptedOutputFileStore,
  EncryptionKey,
  ExportJobs,
} from '@flatfhir/server'
import { SqliteJobStore, SqliteResourceStore } from '@flatfhir/store-sqlite'
import { secondsSince } from '../measure.mjs'

/** @typedef {{ seconds: number, resources: number, bytes: number, storedBytes: number }} ExportFigures */

/** Runs exports of one data directory, one after the other. */
export class ExportRunner {
  #resources
  #jobStore
  #jobs
  /** By job. */
  #endings = new Map()

  /**
   * @param {string} directory
   * @param {{ compression: 'none' | 'gzip', isEncrypted?: boolean }} options
   */
  static async open(directory, { compression, isEncrypted = false }) {
    const runner = new ExportRunner()
    runner.#resources = await SqliteResourceStore.open({ directory })
    runner.#jobStore = await SqliteJobStore.open({ path: join(directory, 'jobs.sqlite') })
    runner.#jobs = await ExportJobs.start({
      resources: runner.#resources,
      jobs: runner.#jobStore,
      files: fileStore(join(directory, 'output-files'), isEncrypted),
      compression,
      minimumInProgressMs: 0,
      onEvent: (event) => runner.#hear(event),
    })
    return runner
  }

  /**
   * From the kick-off to the moment when the job is complete in the job store: planned, every file
   * hashed, flushed and committed.
   *
   * @param {{ level: 'system' | 'patient' | 'group', groupId?: string }} query
   * @returns {Promise<ExportFigures>}
   */
  async run(query) {
    const { jobId, ...figures } = await this.#export(query)
    await this.#jobs.delete(jobId)
    return figures
  }

  /** Exports at system level, and writes the NDJSON of all files into one. */
  async writeWhole(path) {
    const { jobId, files } = await this.#export({ level: 'system' })
    const target = await open(path, 'w')
    for (const { fileId } of files) {
      for await (const chunk of await this.#jobs.openFile({ jobId, fileId })) {
        await target.write(chunk)
      }
    }
    await target.close()
    await this.#jobs.delete(jobId)
  }

  async close() {
    await this.#jobs[Symbol.asyncDispose]()
    await this.#jobStore[Symbol.asyncDispose]()
    await this.#resources[Symbol.asyncDispose]()
  }

  async #export(query) {
    const startedAt = performance.now()
    const { jobId } = await this.#jobs.kickOff({
      requestUrl: 'http://localhost/fhir/$export',
      query,
      ignoredParameters: [],
    })
    const ending = await this.#ended(jobId)
    const seconds = secondsSince(startedAt)
    if (ending.name === 'job-failed') throw new Error(`The export failed: ${ending.errorCode}`)
    const { files } = await this.#jobs.status(jobId)
    const sum = (name) => files.reduce((total, file) => total + file[name], 0)
    const sizes = { bytes: sum('bytes'), storedBytes: sum('storedBytes') }
    return { jobId, files, seconds, resources: sum('resourceCount'), ...sizes }
  }

  #ended(jobId) {
    return new Promise((resolve) => {
      const ending = this.#endings.get(jobId)
      if (typeof ending === 'object') resolve(ending)
      else this.#endings.set(jobId, resolve)
    })
  }

  #hear(event) {
    if (event.name !== 'job-complete' && event.name !== 'job-failed') return
    const waiting = this.#endings.get(event.jobId)
    if (typeof waiting === 'function') waiting(event)
    else this.#endings.set(event.jobId, event)
  }
}

function fileStore(directory, isEncrypted) {
  if (!isEncrypted) return new DirectoryOutputFileStore(directory)
  const key = new EncryptionKey(randomBytes(32))
  return new EncryptedOutputFileStore({ directory, key })
}
