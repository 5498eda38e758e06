import { readdir } from 'node:fs/promises'
import {
  type CohortResult,
  runSync,
  type SyncConnection,
  type SyncEvent,
  type SyncOptions,
  type SyncReport,
  type SyncRunsReport,
} from '@flatfhir/client'
import { MemoryPlace, MemorySink } from '@flatfhir/testkit'
import { InstantClock, temporaryDirectory } from '../fixtures.ts'
import { FakeSource } from './fake-source.ts'

/** A source, a sink and a work directory that belong together. */
export class SyncBench {
  readonly source: FakeSource
  readonly workDirectory: string
  readonly place: MemoryPlace = new MemoryPlace()
  readonly events: SyncEvent[] = []
  readonly clock: InstantClock = new InstantClock()
  connection: SyncConnection

  private constructor(source: FakeSource, workDirectory: string) {
    this.source = source
    this.workDirectory = workDirectory
    this.connection = {
      ...{ url: source.url, level: 'group', groupIds: ['g'], overlapMs: 0 },
      ...{ profile: 'generic', edition: 'stu2', reconcileEveryMs: 'never' },
    }
  }

  /** With a Group `g` of some patients, who have two observations each. */
  static async start(patients = 3): Promise<SyncBench> {
    const source = await FakeSource.start()
    const bench = new SyncBench(source, await temporaryDirectory())
    const members = Array.from({ length: patients }, (_, index) => `p${index}`)
    source.groups.set('g', new Set(members))
    for (const id of members) source.putPatient(id)
    return bench
  }

  get sink(): MemorySink {
    return new MemorySink(this.place)
  }

  async sync(options: Partial<SyncOptions> = {}): Promise<SyncRunsReport> {
    const { connection, sink, workDirectory, clock } = this
    return runSync({
      ...{ connection, sink, workDirectory, clock, random: () => 0.5, verificationThreads: 1 },
      onEvent: (event) => this.events.push(event),
      ...options,
    })
  }

  /** The only cohort's result. */
  async syncOne(options: Partial<SyncOptions> = {}): Promise<CohortResult> {
    const { cohorts } = await this.sync(options)
    const [only] = cohorts
    if (only === undefined || cohorts.length > 1) throw new Error('There should be one cohort')
    return only
  }

  /** The report of the only run of the only cohort. */
  async syncOnce(options: Partial<SyncOptions> = {}): Promise<SyncReport> {
    const { reports, error } = await this.syncOne(options)
    const [only] = reports
    if (only === undefined || reports.length > 1) {
      throw new Error(`There should be one run, not ${reports.length}`, { cause: error })
    }
    return only
  }

  /** What is landed, as the source would tell it. */
  landed(): readonly (readonly [string, string])[] {
    return this.sink.rows().map(({ type, id, text }) => [`${type}/${id}`, text] as const)
  }

  /** Everything in the work directory but reports. */
  async leftovers(): Promise<readonly string[]> {
    const names = await readdir(this.workDirectory, { recursive: true })
    return names.filter((name) => !/^[^/]+$|\/reports/.test(name))
  }

  /** A part of a run's story. */
  told<Type extends SyncEvent['type']>(type: Type): readonly Extract<SyncEvent, { type: Type }>[] {
    return this.events.filter(
      (event): event is Extract<SyncEvent, { type: Type }> => event.type === type,
    )
  }
}

/** The figures of a type in a report. */
export function landedType(
  report: SyncReport,
  type: string,
): NonNullable<SyncReport['landing']>['types'][number] {
  const found = report.landing?.types.find((each) => each.type === type)
  if (found === undefined) throw new Error(`The report says nothing of ${type}`)
  return found
}
