import type {
  CohortKey,
  Landing,
  LandingFile,
  LandingInspection,
  LandingRun,
  Sink,
  SinkSession,
  SyncReport,
  Watermark,
} from '@flatfhir/client'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One landed resource, as a sink's place shows it to the contract. */
export interface LandedRow {
  readonly source: string
  readonly type: string
  readonly id: string
  /** The resource's text, byte for byte. */
  readonly raw: string
  /** Cohorts that hold it, sorted. */
  readonly cohorts: readonly string[]
  /** Run that wrote this version. */
  readonly runId: string
}

/** Where a sink of the contract lands. */
export interface SinkPlace {
  /** The sink of this place; called again, it is the same sink after a restart. */
  sink(): Sink
  /** Everything that is landed, in any order. Called only while no session is open. */
  rows(): Promise<readonly LandedRow[]>
}

/** Makes an empty place of its own. */
export type MakeSinkPlace = () => Promise<SinkPlace>

export const SOURCE = 'https://example.org/fhir'
export const COHORT: CohortKey = { source: SOURCE, cohort: 'group/a' }
export const OTHER_COHORT: CohortKey = { source: SOURCE, cohort: 'group/b' }

/** An instant of the tests' time line, counted in hours. */
export function hour(count: number): Date {
  return new Date(Date.UTC(2026, 0, 1) + count * 3_600_000)
}

/** A run with nothing unusual about it. */
export function landingRun(overrides: Partial<LandingRun> = {}): LandingRun {
  return {
    id: randomUUID(),
    cohort: COHORT,
    kind: 'incremental',
    startedAt: hour(0),
    types: undefined,
    ...overrides,
  }
}

/** The account of a run that committed. */
export function reportOf(run: LandingRun, overrides: Partial<SyncReport> = {}): SyncReport {
  return {
    reportVersion: 1,
    runId: run.id,
    source: run.cohort.source,
    cohort: run.cohort.cohort,
    kind: run.kind,
    fullReasons: [],
    result: 'committed',
    startedAt: run.startedAt.toISOString(),
    finishedAt: run.startedAt.toISOString(),
    transactionTime: run.startedAt.toISOString(),
    exports: [],
    alarms: [],
    timings: { exportMs: 0, landingMs: 0, totalMs: 0 },
    ...overrides,
  }
}

/** Text of a resource; `lastUpdated` is an hour of the time line. */
export function resourceText(
  type: string,
  id: string,
  content: Readonly<Record<string, unknown>> & { readonly lastUpdated?: number | undefined } = {},
): string {
  const { lastUpdated, ...elements } = content
  const meta =
    lastUpdated === undefined ? {} : { meta: { lastUpdated: hour(lastUpdated).toISOString() } }
  return JSON.stringify({ resourceType: type, id, ...meta, ...elements })
}

/** Text of an Observation of a patient. */
export function observationText(
  id: string,
  patient: string,
  content: Readonly<Record<string, unknown>> & { readonly lastUpdated?: number | undefined } = {},
): string {
  return resourceText('Observation', id, {
    subject: { reference: `Patient/${patient}` },
    ...content,
  })
}

/** Line of a `deleted` file. */
export function deletionText(...urls: readonly string[]): string {
  return JSON.stringify({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: urls.map((url) => ({ request: { method: 'DELETE', url } })),
  })
}

/** Writes files for landing into a folder of its own. */
export class LandingFolder implements AsyncDisposable {
  readonly #directory: Promise<string> = mkdtemp(join(tmpdir(), 'sink-contract-'))
  #files = 0

  /** One file of lines; `end` is what follows the last one. */
  async file(type: string, lines: readonly string[], end = '\n'): Promise<LandingFile> {
    const path = join(await this.#directory, `${this.#files++}.ndjson`)
    const text = lines.length === 0 ? '' : lines.join('\n') + end
    await writeFile(path, text)
    return { path, type, bytes: Buffer.byteLength(text), resources: lines.length }
  }

  /** One file for each type among the lines, in the order of their first lines. */
  async filesOf(lines: readonly string[]): Promise<readonly LandingFile[]> {
    const types = [...new Set(lines.map(typeOf))]
    return Promise.all(
      types.map((type) =>
        this.file(
          type,
          lines.filter((line) => typeOf(line) === type),
        ),
      ),
    )
  }

  /** A file of Patients with nothing but their ids. */
  async rosterFiles(patients: readonly string[]): Promise<readonly LandingFile[]> {
    return [
      await this.file(
        'Patient',
        patients.map((id) => resourceText('Patient', id)),
      ),
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(await this.#directory, { recursive: true, force: true })
  }
}

function typeOf(line: string): string {
  const { resourceType } = JSON.parse(line) as { readonly resourceType: string }
  return resourceType
}

/** What one landing of a test is made of. */
export interface LandingScript {
  readonly run?: Partial<LandingRun>
  /** Lines of the `all` part; left out, there is none. */
  readonly all?: readonly string[]
  readonly changes?: readonly string[]
  readonly history?: readonly string[]
  /** URLs of deleted resources. */
  readonly deleted?: readonly string[]
  /** Ids of the cohort's patients. */
  readonly roster?: readonly string[]
  readonly rosterAt?: Date
  readonly watermarks?: readonly Watermark[]
  /** `false`: it is disposed of after the inspection. */
  readonly commits?: boolean
}

/** Plays one landing in a session of its own; returns what its inspection said. */
export async function land(
  sink: Sink,
  folder: LandingFolder,
  script: LandingScript,
): Promise<LandingInspection> {
  await using session = await sink.open()
  return await landIn(session, folder, script)
}

/** Plays one landing in a session that is open. */
export async function landIn(
  session: SinkSession,
  folder: LandingFolder,
  script: LandingScript,
): Promise<LandingInspection> {
  const run = landingRun(script.run)
  await using landing = await session.begin(run)
  await stage(landing, folder, script)
  const inspection = await landing.inspect()
  if (script.commits !== false) {
    const report = reportOf(run, { landing: inspection })
    await landing.commit({ watermarks: script.watermarks ?? [], report })
  }
  return inspection
}

/** Stages what a script holds. */
export async function stage(
  landing: Landing,
  folder: LandingFolder,
  script: LandingScript,
): Promise<void> {
  for (const part of ['all', 'changes', 'history'] as const) {
    const lines = script[part]
    if (lines !== undefined) await landing.write(await folder.filesOf(lines), part)
  }
  if (script.deleted !== undefined) {
    const lines = script.deleted.map((url) => deletionText(url))
    await landing.delete([await folder.file('Bundle', lines)])
  }
  if (script.roster !== undefined) {
    await landing.setRoster(await folder.rosterFiles(script.roster), script.rosterAt ?? hour(0))
  }
}
