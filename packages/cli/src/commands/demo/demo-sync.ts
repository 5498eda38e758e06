import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LandedType, SyncReport } from '@flatfhir/client'
import { PATIENT_COMPARTMENT } from '@flatfhir/protocol'
import { queryDatabase, type QueryResult } from '@flatfhir/sink-duckdb'
import type { Connection } from '../../connection/connection.ts'
import { connectionToml } from '../../connection/connection-text.ts'
import { readConnection } from '../../connection/read-connection.ts'
import { DemoCheckFailedError } from '../../errors.ts'
import { alarmLines, landedSums, type LandedSums } from '../../output/sync-report-text.ts'
import { TableWriter } from '../../output/table-writer.ts'
import type { CommandContext } from '../command.ts'
import { runConnection } from '../sync/run-connection.ts'
import type { DemoClient } from './demo-login.ts'
import { DEMO_GROUP } from './demo-exports.ts'
import type { DemoRosterChange } from './demo-roster.ts'

/** What the demo asks its warehouse in the end. */
export const DEMO_QUERY =
  'SELECT display, patients, active FROM conditions_by_code ORDER BY patients DESC, display LIMIT 5'

/** One run of the demo's connection. */
export interface DemoSyncRun {
  readonly report: SyncReport
  readonly sums: LandedSums
  readonly seconds: number
}

/** A warehouse that follows the demo's Group. */
export class DemoWarehouse {
  readonly connection: Connection
  readonly #context: CommandContext

  private constructor(connection: Connection, context: CommandContext) {
    this.connection = connection
    this.#context = context
  }

  /** Writes the connection file, as `flatfhir sync init` does, and nothing else yet. */
  static async make(
    directory: string,
    source: { readonly fhirBaseUrl: string; readonly client: DemoClient },
    context: CommandContext,
  ): Promise<DemoWarehouse> {
    const path = join(directory, 'demo.toml')
    const { client, keyFile } = source.client
    const text = connectionToml({
      source: { url: source.fhirBaseUrl },
      login: { clientId: client.clientId, key: keyFile },
      data: { level: 'group', groups: [DEMO_GROUP] },
      sinks: { duckdb: 'warehouse.duckdb' },
      // This source stamps exactly, and in a cohort this small one leaver is a large share.
      sync: { overlap: '0s' },
      alarms: { shrink: '100%' },
    })
    await writeFile(path, text)
    return new DemoWarehouse(await readConnection(path, directory), context)
  }

  /** The DuckDB database. */
  get path(): string {
    return this.connection.sinks.duckdb ?? ''
  }

  /** @throws `DemoCheckFailedError` unless the run commits. */
  async sync({ full = false }: { readonly full?: boolean } = {}): Promise<DemoSyncRun> {
    const begunAt = performance.now()
    const { cohorts } = await runConnection(this.connection, { full }, this.#context)
    this.#context.progress.clear()
    const [cohort] = cohorts
    if (cohort?.error !== undefined) throw cohort.error
    const report = cohort?.reports.at(-1)
    if (cohort?.result !== 'committed' || report === undefined) {
      for (const line of report === undefined ? [] : alarmLines(report)) this.#context.warn(line)
      throw new DemoCheckFailedError('The sync did not commit')
    }
    const seconds = (performance.now() - begunAt) / 1000
    return { report, sums: landedSums(report), seconds }
  }

  /** The answer to {@link DEMO_QUERY} as lines of a table. */
  async ask(): Promise<readonly string[]> {
    await using result = await queryDatabase(this.path, DEMO_QUERY, {
      signal: this.#context.io.signal,
    })
    return await tableOf(result, this.#context)
  }
}

async function tableOf(result: QueryResult, context: CommandContext): Promise<readonly string[]> {
  const table = new TableWriter(result.columns, { width: undefined, style: context.style })
  let text = ''
  for await (const row of result.rows) text += table.rows([row])
  text += table.end()
  return text.trimEnd().split('\n')
}

/**
 * Checks that the second run found the changes, and that comparing everything then finds nothing.
 *
 * @throws `DemoCheckFailedError` when it is otherwise.
 */
export function checkSync(
  { second, reconciled }: { readonly second: DemoSyncRun; readonly reconciled: DemoSyncRun },
  roster: DemoRosterChange | undefined,
): void {
  const { joiners, leavers } = second.report.landing?.roster ?? { joiners: 0, leavers: 0 }
  if (joiners !== (roster?.joiners ?? 0) || leavers !== (roster?.leavers ?? 0)) {
    throw new DemoCheckFailedError('The sync did not find who joined and who left')
  }
  const differences = (reconciled.report.landing?.types ?? []).filter(
    (type) => !isExplained(type, leavers > 0),
  )
  if (differences.length > 0) {
    const types = differences.map(({ type }) => type).join(', ')
    throw new DemoCheckFailedError(`The warehouse had drifted from the source: ${types}`)
  }
}

/**
 * What only a leaver's data referred to belongs to no patient's compartment. No delta says that it
 * is out of the cohort; comparing everything does.
 */
function isExplained(type: LandedType, hasLeavers: boolean): boolean {
  const { inserted, updated, left, deletedTold, deletedComputed, drift } = type
  const { missing, outdated } = drift ?? { missing: 0, outdated: 0 }
  if (inserted + updated + left + deletedTold + missing + outdated > 0) return false
  // A Provenance may be about an Encounter alone, and so name no patient.
  const mayNameNobody = !Object.hasOwn(PATIENT_COMPARTMENT, type.type) || type.type === 'Provenance'
  return deletedComputed === 0 || (hasLeavers && mayNameNobody)
}
