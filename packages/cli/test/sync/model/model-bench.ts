import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  runSync,
  type SyncConnection,
  type SyncEvent,
  type SyncOptions,
  type SyncReport,
  type SyncRunsReport,
} from '@flatfhir/client'
import { DuckDbSink } from '@flatfhir/sink-duckdb'
import { expect } from 'vitest'
import { expectInStep, untold } from './expectations.ts'
import { IMPATIENT_CLOCK } from './impatient-clock.ts'
import { RealSource } from './real-source.ts'
import { readWarehouse, type Warehouse } from './warehouse.ts'

const CHILD = fileURLToPath(new URL('model-sync.mjs', import.meta.url))
/**
 * With so few rows, what is lost is soon a large share, and so is the history of patients who were
 * deleted and made again between two rosters. Both alarms have tests of their own.
 */
const ACCEPT = ['SUSPICIOUS_SHRINK', 'SINCE_IGNORED'] as const

/** How a sync is defined, and in which cohorts it results. */
export interface Plan {
  readonly name: string
  readonly connection: Pick<SyncConnection, 'level' | 'groupIds'>
  readonly cohorts: readonly string[]
}

/** Three connections that land in one warehouse; the Groups overlap. */
export const PLANS: readonly Plan[] = [
  { name: 'system', connection: { level: 'system' }, cohorts: ['system'] },
  { name: 'patient', connection: { level: 'patient' }, cohorts: ['patient'] },
  {
    name: 'groups',
    connection: { level: 'group', groupIds: ['g0', 'g1'] },
    cohorts: ['group/g0', 'group/g1'],
  },
]

/** A real provider, a warehouse that follows it, and the model that both are compared with. */
export class ModelBench implements AsyncDisposable {
  readonly source: RealSource
  readonly overlapMs: number
  /** Plans of which a run may be unfinished: the next sync lands first what was so when it began. */
  readonly #unfinished = new Set<string>()

  private constructor(source: RealSource, overlapMs: number) {
    this.source = source
    this.overlapMs = overlapMs
  }

  static async start({ overlapMs }: { readonly overlapMs: number }): Promise<ModelBench> {
    return new ModelBench(await RealSource.start(), overlapMs)
  }

  get path(): string {
    return join(this.source.directory, 'warehouse.duckdb')
  }

  async warehouse(): Promise<Warehouse> {
    return readWarehouse(this.path)
  }

  /** Syncs until everything is landed that there is now, and compares. */
  async sync(plan: Plan): Promise<SyncRunsReport> {
    if (this.#unfinished.delete(plan.name)) await this.#committed(plan)
    const done = await this.#committed(plan)
    const warehouse = await this.warehouse()
    for (const { key, reports } of done.cohorts) {
      expectInStep(this.source.model, warehouse, key.cohort)
      const { transactionTimes = [] } = warehouse.cohorts.get(key.cohort) ?? {}
      expect(transactionTimes).toEqual([reports.at(-1)?.transactionTime])
    }
    return done
  }

  /** A full run finds nothing that the copy should have had, and takes away what nobody told of. */
  async reconcile(plan: Plan): Promise<void> {
    await this.sync(plan)
    const before = await this.warehouse()
    const { cohorts } = await this.#committed(plan, { full: true })
    const after = await this.warehouse()
    for (const { key, reports } of cohorts) {
      expectDrift(reports, untold(this.source.model, before, key.cohort))
      expect(untold(this.source.model, after, key.cohort)).toEqual([])
      expectInStep(this.source.model, after, key.cohort)
    }
  }

  /** Ends a sync at its n-th event, as early as it can. */
  async abort(plan: Plan, place: number): Promise<void> {
    let events = 0
    await this.#abortWhen(plan, () => {
      events += 1
      return events === place
    })
  }

  /** Ends a sync at the first event of a type. */
  async abortAt(plan: Plan, type: SyncEvent['type']): Promise<void> {
    await this.#abortWhen(plan, (event) => event.type === type)
  }

  async #abortWhen(plan: Plan, isPlace: (event: SyncEvent) => boolean): Promise<void> {
    const stop = new AbortController()
    const onEvent = (event: SyncEvent): void => {
      if (isPlace(event)) stop.abort()
    }
    await this.#untouchedUnlessCommitted(plan, async () => {
      const error: unknown = await this.#run(plan, { signal: stop.signal, onEvent }).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (error !== undefined) expect(error).toMatchObject({ code: 'EXPORT_ABORTED' })
    })
  }

  /** Syncs in a process of its own that is killed. */
  async kill(plan: Plan, when: Readonly<Record<string, unknown>>): Promise<void> {
    const options = { ...this.#options(plan), warehouse: this.path, accept: ACCEPT, ...when }
    await this.#untouchedUnlessCommitted(plan, async () => {
      const child = spawn(process.execPath, [CHILD, JSON.stringify(options)], { stdio: 'inherit' })
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      if (signal === null) expect(code).toBe(0)
      else expect(signal).toBe('SIGKILL')
    })
  }

  /** Syncs while files of a type cannot be had. */
  async fail(plan: Plan, fault: 'not-found' | 'cut', every: number): Promise<void> {
    let files = 0
    this.source.gate.judge = ({ path }) => {
      if (!path.includes('.ndjson')) return 'pass'
      files += 1
      return files % every === 0 ? fault : 'pass'
    }
    await this.#untouchedUnlessCommitted(plan, async () => {
      const { cohorts } = await this.#run(plan, { maxAttempts: 2 })
      for (const { reports, result } of cohorts) {
        const codes = reports.flatMap(({ alarms }) => alarms.map(({ code }) => code))
        if (result === 'stopped') expect(codes).toContain('EXPORT_INCOMPLETE')
        else expect(result).toBe('committed')
      }
    })
    this.source.gate.judge = () => 'pass'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source[Symbol.asyncDispose]()
  }

  async #untouchedUnlessCommitted(plan: Plan, work: () => Promise<void>): Promise<void> {
    const before = await this.warehouse()
    this.#unfinished.add(plan.name)
    await work()
    const after = await this.warehouse()
    const isCommitted = plan.cohorts.some(
      (cohort) => before.cohorts.get(cohort)?.lastRun !== after.cohorts.get(cohort)?.lastRun,
    )
    if (!isCommitted && before.digest !== '') expect(after.digest).toBe(before.digest)
    if (!isCommitted) expect(after.rows).toEqual(before.rows)
  }

  async #committed(plan: Plan, options: Partial<SyncOptions> = {}): Promise<SyncRunsReport> {
    const done = await this.#run(plan, options)
    for (const { error, reports } of done.cohorts) {
      if (error !== undefined) throw error
      expect(reports.flatMap(({ alarms }) => alarms.filter(({ accepted }) => !accepted))).toEqual(
        [],
      )
    }
    expect(done.result).toBe('committed')
    return done
  }

  #options({ name, connection }: Plan): Pick<SyncOptions, 'connection' | 'workDirectory'> {
    const { overlapMs } = this
    return {
      workDirectory: join(this.source.directory, 'sync', name),
      connection: {
        ...{ url: this.source.gate.url, profile: 'generic', reconcileEveryMs: 'never' },
        ...{ overlapMs, backfillBatchSize: 2 },
        ...connection,
      },
    }
  }

  async #run(plan: Plan, options: Partial<SyncOptions>): Promise<SyncRunsReport> {
    return runSync({
      ...this.#options(plan),
      ...{ clock: IMPATIENT_CLOCK, verificationThreads: 1, accept: ACCEPT },
      sink: new DuckDbSink({ path: this.path, threads: 1 }),
      ...options,
    })
  }
}

/** Told of the copy of each type, as far as it was not what it should have been. */
function expectDrift(reports: readonly SyncReport[], extra: readonly string[]): void {
  const [full] = reports
  expect(full?.kind).toBe('full')
  const types = full?.landing?.types ?? []
  const found = types.flatMap(({ type, drift, left, deletedTold }) =>
    drift === undefined ? [] : [{ type, ...drift, gone: drift.extra + left + deletedTold }],
  )
  expect(found.filter(({ missing, outdated }) => missing + outdated > 0)).toEqual([])
  const gone = found.flatMap(({ type, gone: count }) => (count > 0 ? [[type, count]] : []))
  expect(new Map(gone as [string, number][])).toEqual(countsByType(extra))
}

function countsByType(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) {
    const [type = ''] = name.split('/')
    counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  return counts
}
