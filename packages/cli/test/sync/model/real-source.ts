import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ResourceType } from '@flatfhir/protocol'
import { createDataProvider, DirectoryOutputFileStore, ExportJobs } from '@flatfhir/server'
import { SqliteJobStore, SqliteResourceStore } from '@flatfhir/store-sqlite'
import { DatabaseSync } from '@photostructure/sqlite'
import { FaultyGate } from './faulty-gate.ts'
import { type Fhir, SourceModel } from './source-model.ts'

/** A real Data Provider behind a gate, with the model of what it holds. */
export class RealSource implements AsyncDisposable {
  readonly gate: FaultyGate
  readonly directory: string
  readonly model: SourceModel = new SourceModel()
  readonly #resources: SqliteResourceStore
  readonly #close: () => Promise<void>

  private constructor(parts: {
    readonly gate: FaultyGate
    readonly directory: string
    readonly resources: SqliteResourceStore
    readonly close: () => Promise<void>
  }) {
    this.gate = parts.gate
    this.directory = parts.directory
    this.#resources = parts.resources
    this.#close = parts.close
  }

  static async start(): Promise<RealSource> {
    const directory = await mkdtemp(join(tmpdir(), 'flatfhir-sync-model-'))
    const gate = await FaultyGate.start()
    const resources = await SqliteResourceStore.open({ directory })
    const jobStore = await SqliteJobStore.open({ path: join(directory, 'jobs.sqlite') })
    const files = new DirectoryOutputFileStore(join(directory, 'output-files'))
    const jobs = await ExportJobs.start({
      ...{ resources, jobs: jobStore, files, workers: 1, minimumInProgressMs: 0 },
      // Files of a few lines each, so that a failure leaves some of them.
      maxFileBytes: 4096,
    })
    const provider = await createDataProvider({ resources, jobs, baseUrl: gate.url })
    gate.targetPort = (await provider.listen({ host: '127.0.0.1', port: 0 })).port
    const close = async (): Promise<void> => {
      await gate[Symbol.asyncDispose]()
      await provider.close()
      await jobs[Symbol.asyncDispose]()
      await files[Symbol.asyncDispose]()
      await jobStore[Symbol.asyncDispose]()
      await resources[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    }
    return new RealSource({ gate, directory, resources, close })
  }

  async put(...resources: readonly Fhir[]): Promise<void> {
    const results = await this.#resources.write(
      resources.map((one) => ({
        kind: 'update' as const,
        type: one.resourceType as ResourceType,
        id: one.id,
        body: Buffer.from(JSON.stringify(one)),
      })),
    )
    for (const result of results) {
      if (!('resource' in result)) throw new Error(`A write came to ${result.state}`)
      const { type, id, body } = result.resource
      this.model.put(`${type}/${id}`, Buffer.from(body).toString('utf8'))
    }
  }

  async delete(name: string): Promise<void> {
    const [type = '', id = ''] = name.split('/')
    await this.#resources.write([{ kind: 'delete', type: type as ResourceType, id }])
    this.model.delete(name)
  }

  /**
   * Does to the provider what a writer does whose clock is ahead by so much, and steps back
   * afterwards: what comes later must be stamped later still.
   */
  leapClock(milliseconds: number): void {
    const database = new DatabaseSync(join(this.directory, 'resources.sqlite'), { timeout: 20_000 })
    try {
      database
        .prepare('UPDATE clock SET last_written_at = max(last_written_at, ?)')
        .run(Date.now() + milliseconds)
    } finally {
      database.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
  }
}
