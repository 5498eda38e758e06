import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { openDuckDb } from '@flatfhir/sink-duckdb'

/** One landed resource. */
export interface WarehouseRow {
  /** `Type/id`. */
  readonly name: string
  readonly raw: string
  readonly cohorts: readonly string[]
}

/** What a cohort's bookkeeping says. */
export interface WarehouseCohort {
  readonly roster: readonly string[]
  readonly transactionTimes: readonly string[]
  readonly lastRun: string | undefined
}

/** Everything that a test looks at in a warehouse, read at once. */
export interface Warehouse {
  readonly rows: ReadonlyMap<string, WarehouseRow>
  readonly cohorts: ReadonlyMap<string, WarehouseCohort>
  /** `patient>replaced by`, sorted, each once. */
  readonly merges: readonly string[]
  /** Rows and holders that the bookkeeping counts, as `cohort type`. */
  readonly rowCounts: ReadonlyMap<string, number>
  /** Of the tables of resources, of watermarks and of rosters. */
  readonly digest: string
}

type Row = Readonly<Record<string, unknown>>

const STATE = ['watermarks', 'cohorts', 'rosters', 'merges', 'row_counts', 'deletions', 'drift']

/** Reads a warehouse; one that is not there is empty. */
export async function readWarehouse(path: string): Promise<Warehouse> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  )
  if (!isThere) return emptyWarehouse()
  await using db = await openDuckDb({ path, readOnly: true, threads: 1 })
  const connection = await db.connect()
  const ask = async (sql: string): Promise<readonly Row[]> =>
    (await connection.runAndReadAll(sql)).getRowObjectsJson()
  try {
    return await readAll(ask)
  } finally {
    connection.closeSync()
  }
}

async function readAll(ask: (sql: string) => Promise<readonly Row[]>): Promise<Warehouse> {
  const known = await ask(`SELECT 1 FROM information_schema.tables WHERE table_schema = 'sync'`)
  if (known.length === 0) return emptyWarehouse()
  const digest = createHash('sha256')
  const rows = new Map<string, WarehouseRow>()
  const tables = await ask('SELECT type, table_name FROM sync.tables ORDER BY type')
  for (const { type, table_name: table } of tables) {
    const found = await ask(`SELECT * FROM main."${String(table)}" ORDER BY id, _source`)
    digest.update(JSON.stringify(found))
    for (const row of found) addRow(rows, String(type), row)
  }
  for (const table of STATE) {
    digest.update(JSON.stringify(await ask(`SELECT * FROM sync.${table} ORDER BY ALL`)))
  }
  const merges = await ask('SELECT DISTINCT patient, replaced_by FROM sync.merges ORDER BY ALL')
  const counts = await ask('SELECT cohort, type, row_count FROM sync.row_counts')
  return {
    rows,
    cohorts: await readCohorts(ask),
    merges: merges.map((each) => `${String(each['patient'])}>${String(each['replaced_by'])}`),
    rowCounts: new Map(
      counts.map((each) => [
        `${String(each['cohort'])} ${String(each['type'])}`,
        Number(each['row_count']),
      ]),
    ),
    digest: digest.digest('hex'),
  }
}

function addRow(rows: Map<string, WarehouseRow>, type: string, row: Row): void {
  const name = `${type}/${String(row['id'])}`
  if (rows.has(name)) throw new Error(`${name} is landed twice`)
  rows.set(name, { name, raw: String(row['raw']), cohorts: row['_cohorts'] as readonly string[] })
}

async function readCohorts(
  ask: (sql: string) => Promise<readonly Row[]>,
): Promise<ReadonlyMap<string, WarehouseCohort>> {
  const cohorts = await ask('SELECT cohort, last_run FROM sync.cohorts')
  const members = await ask('SELECT cohort, patient FROM sync.rosters WHERE left_at IS NULL')
  const marks = await ask(
    `SELECT cohort, epoch_ms(transaction_time) AS ms FROM sync.watermarks ORDER BY ALL`,
  )
  const of = (list: readonly Row[], cohort: unknown): readonly Row[] =>
    list.filter((each) => each['cohort'] === cohort)
  return new Map(
    cohorts.map(({ cohort, last_run: lastRun }) => [
      String(cohort),
      {
        roster: of(members, cohort)
          .map(({ patient }) => String(patient))
          .sort(),
        transactionTimes: of(marks, cohort).map(({ ms }) => new Date(Number(ms)).toISOString()),
        lastRun: String(lastRun),
      },
    ]),
  )
}

function emptyWarehouse(): Warehouse {
  return { rows: new Map(), cohorts: new Map(), merges: [], rowCounts: new Map(), digest: '' }
}
