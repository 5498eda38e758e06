import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  runSync,
  type SyncAlarmCode,
  type SyncConnection,
  type SyncOptions,
  type SyncReport,
} from '@flatfhir/client'
import { DuckDbSink } from '@flatfhir/sink-duckdb'
import {
  type MisbehavingProvider,
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedExport,
  type ScriptedFile,
  startMisbehavingProvider,
} from '@flatfhir/testkit'
import { IMPATIENT_CLOCK } from './impatient-clock.ts'
import { readWarehouse, type Warehouse } from './warehouse.ts'

/** What an export is asked for, to go by its kick-off request. */
export type Purpose = 'roster' | 'all' | 'changes' | 'history'

type Answers = (index: number) => ScriptedExport | ScriptedAnswer

/** A scripted provider, and a warehouse that follows it. */
export class ScriptedSource implements AsyncDisposable {
  readonly directory: string
  /** What the exports of each purpose come to; `index` counts those of the purpose. */
  readonly answers: Record<Purpose, Answers> = {
    roster: () => ({}),
    all: () => ({}),
    changes: () => ({}),
    history: () => ({}),
  }
  readonly purposes: Purpose[] = []
  connection: Partial<SyncConnection> = {}
  #provider: MisbehavingProvider | undefined

  private constructor(directory: string) {
    this.directory = directory
  }

  static async start(): Promise<ScriptedSource> {
    const source = new ScriptedSource(await mkdtemp(join(tmpdir(), 'flatfhir-scripted-source-')))
    source.#provider = await startMisbehavingProvider({
      export: (request) => source.#answer(request),
    })
    return source
  }

  async sync(options: Partial<SyncOptions> = {}): Promise<readonly SyncReport[]> {
    const url = this.#provider?.url ?? ''
    const settings = { profile: 'generic', edition: 'stu2', reconcileEveryMs: 'never' } as const
    const { cohorts } = await runSync({
      connection: { url, level: 'patient', ...settings, ...this.connection },
      sink: new DuckDbSink({ path: this.#path, threads: 1 }),
      workDirectory: join(this.directory, 'sync'),
      ...{ clock: IMPATIENT_CLOCK, verificationThreads: 1, maxAttempts: 2 },
      ...options,
    })
    const [only] = cohorts
    if (only?.error !== undefined) throw only.error
    return only?.reports ?? []
  }

  /** The report of the only run of a sync. */
  async syncOnce(options: Partial<SyncOptions> = {}): Promise<SyncReport> {
    const [report, ...others] = await this.sync(options)
    if (report === undefined || others.length > 0) throw new Error('There should be one run')
    return report
  }

  async warehouse(): Promise<Warehouse> {
    return readWarehouse(this.#path)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#provider?.close()
    await rm(this.directory, { recursive: true, force: true })
  }

  get #path(): string {
    return join(this.directory, 'warehouse.duckdb')
  }

  #answer(request: RecordedRequest): ScriptedExport | ScriptedAnswer {
    const purpose = purposeOf(request)
    const index = this.purposes.filter((each) => each === purpose).length
    this.purposes.push(purpose)
    return this.answers[purpose](index)
  }
}

function purposeOf({ method, path }: RecordedRequest): Purpose {
  if (method === 'POST') return 'history'
  const query = new URL(path, 'http://localhost').searchParams
  if (query.get('_type') === 'Patient') return 'roster'
  return query.has('_since') ? 'changes' : 'all'
}

/** A day of the tests' time line, as sources write instants. */
export function day(count: number): string {
  return new Date(Date.UTC(2026, 9, count)).toISOString()
}

/** Text of a resource that was written on a day. */
export function line(name: string, onDay: number, rest: object = {}): string {
  const [resourceType = '', id = ''] = name.split('/')
  return JSON.stringify({ resourceType, id, meta: { lastUpdated: day(onDay) }, ...rest })
}

/** Text of an Observation of a patient. */
export function observation(id: string, patient: string, onDay: number): string {
  return line(`Observation/${id}`, onDay, { subject: { reference: `Patient/${patient}` } })
}

/** The same resource, with a value that tells it from others. */
export function withValue(text: string, valueString: string): string {
  return JSON.stringify({ ...(JSON.parse(text) as object), valueString })
}

/** Some patients, from p0 on, with an Observation each. */
export function population(patients: number, onDay: number, prefix = 'p'): readonly string[] {
  return Array.from({ length: patients }, (_, index) => `${prefix}${index}`).flatMap((id) => [
    line(`Patient/${id}`, onDay),
    observation(`${id}-o`, id, onDay),
  ])
}

/** An export of some lines, in a file for each type. */
export function exportOf(
  onDay: number,
  lines: readonly string[],
  deleted: readonly string[] = [],
): ScriptedExport {
  const types = [...new Set(lines.map(typeOf))]
  const files: ScriptedFile[] = types.map((type) =>
    fileOf(
      type,
      lines.filter((each) => typeOf(each) === type),
    ),
  )
  const entry = deleted.map((url) => ({ request: { method: 'DELETE', url } }))
  const bundle = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })
  const deletions: ScriptedFile = { kind: 'deleted', type: 'Bundle', content: `${bundle}\n` }
  return {
    transactionTime: day(onDay),
    files: deleted.length === 0 ? files : [...files, deletions],
  }
}

/** A file of some lines. */
export function fileOf(type: string, lines: readonly string[]): ScriptedFile {
  return { type, content: `${lines.join('\n')}\n` }
}

/** The Patients among some lines: a roster. */
export function rosterOf(onDay: number, lines: readonly string[]): ScriptedExport {
  return exportOf(
    onDay,
    lines.filter((each) => typeOf(each) === 'Patient'),
  )
}

/** Alarms of a report: each once, with whether it was accepted. */
export function alarmsOf({ alarms }: SyncReport): readonly (readonly [SyncAlarmCode, boolean])[] {
  return [...new Map(alarms.map(({ code, accepted }) => [code, accepted] as const))]
}

/** What is landed: texts by name. */
export function textsOf({ rows }: Warehouse): readonly string[] {
  return [...rows.values()].map(({ raw }) => raw).sort()
}

function typeOf(text: string): string {
  return (JSON.parse(text) as { readonly resourceType: string }).resourceType
}
