import type { Database } from '../database.ts'
import { operationOutcome, type ResourceType } from '@flatfhir/protocol'
import type {
  ExportQuery,
  Partition,
  PartitionReader,
  ResourceBlock,
  Snapshot,
} from '@flatfhir/server'
import { openDatabase } from '../database.ts'
import { typeCode, versionKey } from '../resource-store/keys.ts'
import { fillWithProvenance } from './associated-provenance.ts'
import { readBlocks } from './block-reader.ts'
import { deletionLines } from './deletion-lines.ts'
import { ExportScope } from './export-scope.ts'
import { linesInBlocks } from './lines-in-blocks.ts'
import { visibleKey } from './visible-version.ts'
import { readPatientBlocks } from './patient-blocks.ts'
import { parseSelector, type Selector } from './selector.ts'
import {
  fillWithAppeared,
  fillWithCohort,
  fillWithDeleted,
  fillWithSupport,
  WORK_TABLE,
} from './work-list.ts'

/** Exports that a reader keeps the temporary tables of. */
const MAX_SCOPES = 4
const READER_CACHE_KIB = 12 * 1024

/** What a worker thread needs to open a reader. */
export interface PartitionReaderOptions {
  /** Path of the database file. */
  readonly path: string
}

interface ReadInput {
  readonly query: ExportQuery
  readonly snapshot: Snapshot
  readonly partition: Partition
}

interface FindInput {
  readonly snapshot: Snapshot
  readonly type: ResourceType
  readonly id: string
}

/** Reads partitions of a SQLite store with a read-only connection of its own. */
export class SqlitePartitionReader implements PartitionReader {
  readonly #database: Database
  readonly #scopes = new Map<string, ExportScope>()
  readonly #find
  #scopeNumber = 0

  constructor({ path }: PartitionReaderOptions) {
    this.#database = openDatabase(path, { readOnly: true, cacheKib: READER_CACHE_KIB })
    this.#database.exec(
      `CREATE TABLE ${WORK_TABLE} (ord INTEGER PRIMARY KEY, key INTEGER, patient INTEGER)`,
    )
    this.#find = this.#database.prepare(
      `SELECT CAST(v.body AS BLOB) AS body FROM node n
         JOIN version v ON v.key = ${visibleKey('n', ':asOf')}
       WHERE n.type = :code AND n.id = :id AND v.bytes > 0`,
    )
  }

  read({ query, snapshot, partition }: ReadInput): Iterable<ResourceBlock> {
    const scope = this.#scopeOf(query, snapshot)
    const selector = parseSelector(partition.selector)
    switch (selector.kind) {
      case 'range':
        return this.#readRange(selector, { scope, query, type: partition.type as ResourceType })
      case 'cohort':
        fillWithCohort(this.#database, scope, { selector, type: partition.type as ResourceType })
        return this.#readWorkList(scope, partition.type as ResourceType)
      case 'appeared':
        fillWithAppeared(this.#database, scope, { selector, type: partition.type as ResourceType })
        return this.#readWorkList(scope, partition.type as ResourceType)
      case 'support':
        fillWithSupport(this.#database, scope, partition.type as ResourceType)
        return this.#readWorkList(scope, partition.type as ResourceType)
      case 'patients':
        return readPatientBlocks(this.#database, scope, selector)
      case 'provenance':
        fillWithProvenance(this.#database, scope, selector)
        return this.#readAll(scope, 'Provenance')
      case 'deleted':
        fillWithDeleted(this.#database, scope, { query, types: selector.types })
        return linesInBlocks(deletionLines(this.#database, { query, snapshot }))
      case 'unresolved-members':
        return linesInBlocks(unresolvedLines(scope))
    }
  }

  find({ snapshot, type, id }: FindInput): Uint8Array | undefined {
    const parameters = { code: typeCode(type), id, asOf: Number(snapshot.position) }
    const row = this.#find.get(parameters) as { body: Uint8Array } | undefined
    return row?.body
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#database.close()
  }

  #readRange(
    { after, upTo }: Extract<Selector, { kind: 'range' }>,
    { scope, query, type }: { scope: ExportScope; query: ExportQuery; type: ResourceType },
  ): Iterable<ResourceBlock> {
    const filter = query.level === 'patient' ? patientFilter(scope, type) : ''
    const sql = `
      SELECT v.key AS ord, v.key, v.bytes, v.body FROM version v
      WHERE v.key > :after AND v.key <= :upTo
        AND v.superseded_seq > :asOf AND v.bytes > 0
        AND (v.stated_key IS NULL OR v.stated_key > :changedAfter) ${filter}
      ORDER BY v.key LIMIT :rows`
    // What only came into other compartments is no change to an export of everything.
    const changedAfter =
      query.level === 'system' ? versionKey(typeCode(type), scope.window.after) : 0
    const parameters = { upTo, asOf: scope.window.asOf, changedAfter }
    return readBlocks(this.#database, { sql, parameters, after, type })
  }

  #readWorkList(scope: ExportScope, type: ResourceType): Iterable<ResourceBlock> {
    const { window, tables } = scope
    const sql = `
      SELECT w.ord, v.key, v.bytes, v.body FROM ${WORK_TABLE} w CROSS JOIN version v
      WHERE w.ord > :after AND v.key = w.key
        AND v.superseded_seq > :asOf AND v.bytes > 0
        AND (v.patient IS NOT -1 OR w.patient = (
          SELECT min(s.patient) FROM shared_compartment s JOIN ${tables.cohort} c
            ON c.node = s.patient
          WHERE s.key = v.key AND c.resolved = 1 AND (c.joined = 1 OR v.key > :fromKey)))
      ORDER BY w.ord LIMIT :rows`
    const fromKey = versionKey(typeCode(type), window.after)
    const parameters = { asOf: window.asOf, fromKey }
    return readBlocks(this.#database, { sql, parameters, after: 0, type })
  }

  #readAll({ window: { asOf } }: ExportScope, type: ResourceType): Iterable<ResourceBlock> {
    const sql = `
      SELECT w.ord, v.key, v.bytes, v.body FROM ${WORK_TABLE} w CROSS JOIN version v
      WHERE w.ord > :after AND v.key = w.key AND v.superseded_seq > :asOf AND v.bytes > 0
      ORDER BY w.ord LIMIT :rows`
    return readBlocks(this.#database, { sql, parameters: { asOf }, after: 0, type })
  }

  #scopeOf(query: ExportQuery, snapshot: Snapshot): ExportScope {
    const name = JSON.stringify([query, snapshot])
    const known = this.#scopes.get(name)
    if (known !== undefined) return known
    const [oldest] = this.#scopes
    if (oldest !== undefined && this.#scopes.size >= MAX_SCOPES) {
      oldest[1][Symbol.dispose]()
      this.#scopes.delete(oldest[0])
    }
    this.#scopeNumber += 1
    const scope = new ExportScope(this.#database, { query, snapshot, number: this.#scopeNumber })
    this.#scopes.set(name, scope)
    return scope
  }
}

/** What keeps a range of a type to the compartments of patients that are there. */
function patientFilter({ window, tables }: ExportScope, type: ResourceType): string {
  if (type === 'Group') {
    return `AND EXISTS (
      SELECT 1 FROM group_member g JOIN node m ON m.node = g.member
      WHERE g.roster = v.node AND m.type = ${typeCode('Patient')}
        AND g.from_seq <= ${window.asOf} AND g.to_seq > ${window.asOf})`
  }
  return `AND v.patient IS NOT NULL AND (CASE WHEN v.patient >= 0
    THEN v.patient NOT IN (SELECT node FROM ${tables.absentPatient})
    ELSE EXISTS (SELECT 1 FROM shared_compartment s WHERE s.key = v.key
      AND s.patient NOT IN (SELECT node FROM ${tables.absentPatient})) END)`
}

function* unresolvedLines(scope: ExportScope): Iterable<string> {
  for (const reference of scope.unresolvedMembers()) {
    yield JSON.stringify(
      operationOutcome({
        severity: 'warning',
        code: 'not-found',
        diagnostics: `Group member ${reference} does not resolve and is not in this export`,
      }),
    )
  }
}
