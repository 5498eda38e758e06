import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inProcess } from './buffer-io.ts'
import { makeData, serve, type TestServer } from './smart-server.ts'

type Resource = Readonly<Record<string, unknown>> & {
  readonly resourceType: string
  readonly id: string
}

/** A provider process with a small population, to be changed while others follow it. */
export class SyncSource implements AsyncDisposable {
  readonly directory: string
  readonly server: TestServer

  private constructor(directory: string, server: TestServer) {
    this.directory = directory
    this.server = server
  }

  static async start(patients: number, args: readonly string[] = []): Promise<SyncSource> {
    const directory = await mkdtemp(join(tmpdir(), 'flatfhir-sync-test-'))
    const data = await makeData(directory, patients)
    const server = await serve(data, ['--auth', 'none', '--log-level', 'warn', ...args])
    return new SyncSource(directory, server)
  }

  get url(): string {
    return this.server.fhirBaseUrl
  }

  at(...path: readonly string[]): string {
    return join(this.directory, ...path)
  }

  /** Writes a connection file into the directory. @returns its path. */
  async connect(name: string, args: readonly string[]): Promise<string> {
    const file = this.at(name)
    const made = await inProcess(['sync', 'init', file, '--url', this.url, ...args])
    if (made.code !== 0) throw new Error(made.err)
    return file
  }

  async put(resource: Resource): Promise<void> {
    await this.#send('PUT', `${resource.resourceType}/${resource.id}`, JSON.stringify(resource))
  }

  async delete(name: string): Promise<void> {
    await this.#send('DELETE', name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await rm(this.directory, { recursive: true })
  }

  async #send(method: string, name: string, body?: string): Promise<void> {
    const response = await fetch(`${this.url}/${name}`, {
      method,
      headers: { 'content-type': 'application/fhir+json' },
      ...(body === undefined ? {} : { body }),
    })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${method} ${name}: HTTP ${response.status}`)
  }
}

/** Asks a database something, and reads the answer. */
export async function ask(database: string, sql: string): Promise<readonly Row[]> {
  const answer = await inProcess(['query', database, sql, '--json'])
  if (answer.code !== 0) throw new Error(answer.err)
  return JSON.parse(answer.out) as readonly Row[]
}

/** A row of an answer. */
export type Row = Readonly<Record<string, unknown>>
