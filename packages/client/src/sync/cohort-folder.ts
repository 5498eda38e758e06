import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BulkDataError } from '@flatfhir/protocol'
import { SyncWorkDirectoryInvalidError } from '../errors.ts'
import type { ResumeOptions } from '../export-options.ts'
import { syncDirectory } from '../journal/journal-file.ts'
import { cancelExport } from '../run-export.ts'
import { writeJsonDurably } from './durable-file.ts'
import { RUN_PLAN_VERSION, type RunPlan } from './run-plan.ts'
import type { SyncReport } from './sync-report.ts'
import type { CohortKey } from './sync-state.ts'

const PLAN_FILE = 'run.json'
const REPORTS = 'reports'
/** Reports that are kept as files; the sink has them all. */
const MAX_REPORTS = 500
const EXPORT_FOLDER = /^(?:roster|all|changes|history-\d+)$/

/** How to reach the provider for deleting exports. */
export type ProviderAccess = Omit<ResumeOptions, 'directory'>

/**
 * The folder of one cohort in the work directory: the plan of the run under way, its exports, and
 * the reports of past runs.
 *
 * Exports are removed before the plan, so that whatever is found without a plan is of no use.
 */
export class CohortFolder {
  readonly path: string

  constructor(workDirectory: string, key: CohortKey) {
    this.path = join(workDirectory, cohortSlug(key))
  }

  exportPath(name: string): string {
    return join(this.path, name)
  }

  /**
   * The plan of the run under way.
   *
   * @returns `undefined` when there is none, or none that can be read: a run is planned anew then,
   *   and nothing but time is lost.
   * @throws {@link SyncWorkDirectoryInvalidError} when a newer release wrote it.
   */
  async readPlan(): Promise<RunPlan | undefined> {
    const plan = await readJson(join(this.path, PLAN_FILE))
    if (!isPlan(plan)) return undefined
    if (plan.version > RUN_PLAN_VERSION) throw new SyncWorkDirectoryInvalidError(this.path)
    return plan
  }

  async writePlan(plan: RunPlan): Promise<void> {
    await writeJsonDurably(join(this.path, PLAN_FILE), plan)
  }

  async writeReport(report: SyncReport): Promise<void> {
    const directory = join(this.path, REPORTS)
    await writeJsonDurably(join(directory, `${report.runId}.json`), report)
    for (const name of (await reportNames(directory)).slice(MAX_REPORTS)) {
      await rm(join(directory, name), { force: true })
    }
  }

  /** Names of the folders of exports, finished or not. */
  async exportNames(): Promise<readonly string[]> {
    const names = await readdir(this.path).catch(() => [])
    return names.filter((name) => EXPORT_FOLDER.test(name))
  }

  /** Removes one export, also at the provider as far as that can be reached. */
  async discardExport(name: string, access: ProviderAccess): Promise<void> {
    const directory = this.exportPath(name)
    try {
      await cancelExport({ ...access, maxAttempts: 2, maxThrottles: 2, directory })
    } catch (error) {
      // It expires at the provider. What is there is in nobody's way but its own.
      if (!BulkDataError.is(error)) throw error
      access.signal?.throwIfAborted()
    }
    await rm(directory, { recursive: true, force: true })
  }

  /** Removes the exports of the run under way, and then its plan. */
  async clear(access: ProviderAccess): Promise<void> {
    for (const name of await this.exportNames()) await this.discardExport(name, access)
    await rm(join(this.path, PLAN_FILE), { force: true })
    await syncDirectory(this.path)
  }

  async make(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 })
  }
}

/** Name of a cohort's folder: readable, and different for every cohort of every source. */
export function cohortSlug({ source, cohort }: CohortKey): string {
  const digest = createHash('sha256').update(`${source} ${cohort}`).digest('hex').slice(0, 10)
  const readable = cohort.replaceAll(/[^A-Za-z0-9-]+/g, '-').slice(0, 60)
  return `${readable}-${digest}`
}

/** Reports of all cohorts in a work directory, newest first. */
export async function reportsIn(
  workDirectory: string,
  limit: number,
): Promise<readonly SyncReport[]> {
  const entries = await readdir(workDirectory, { withFileTypes: true }).catch(() => [])
  const lists = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => readReportFiles(join(workDirectory, name, REPORTS), limit)),
  )
  return lists.flat().sort(byNewest).slice(0, limit)
}

async function readReportFiles(directory: string, limit: number): Promise<readonly SyncReport[]> {
  const reports: SyncReport[] = []
  for (const name of await reportNames(directory)) {
    if (reports.length === limit) break
    const report = await readJson(join(directory, name))
    if (isReport(report)) reports.push(report)
  }
  return reports.sort(byNewest)
}

function byNewest(a: SyncReport, b: SyncReport): number {
  return Date.parse(b.finishedAt) - Date.parse(a.finishedAt)
}

/** Newest first: run ids begin with the time. */
async function reportNames(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => [])
  return names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .reverse()
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown
  } catch {
    // Missing and damaged come to the same: what it says is not known.
    return undefined
  }
}

/** The file is ours; this tells it from another that happens to have its name. */
function isPlan(value: unknown): value is RunPlan {
  const plan = value as Partial<RunPlan> | null | undefined
  return typeof plan?.runId === 'string' && typeof plan.version === 'number'
}

function isReport(value: unknown): value is SyncReport {
  const report = value as Partial<SyncReport> | null | undefined
  return typeof report?.runId === 'string' && typeof report.finishedAt === 'string'
}
