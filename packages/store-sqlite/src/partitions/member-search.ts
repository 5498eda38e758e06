import { isResourceType, type ResourceReference } from '@flatfhir/protocol'
import { compileSearch, type CompiledSearch, type JsonObject } from '@flatfhir/search'
import type { Database } from '../database.ts'
import { SEVERAL_PATIENTS } from '../resource-store/compartments.ts'
import { typeCode, versionKey } from '../resource-store/keys.ts'
import type { MemberSearch } from '../resource-store/member-filter.ts'
import { MAX_BLOCK_ROW_BYTES } from './block-query.ts'
import { NodeSet } from './node-set.ts'
import { visibleKey } from './visible-version.ts'

/** A point in the store's history, and the instant that it stands for. */
export interface Moment {
  readonly asOf: number
  /** Epoch milliseconds. */
  readonly atMs: number
}

interface Row {
  readonly key: number
  readonly patient: number
  /** `null` where the body is large, and read by itself. */
  readonly text: string | null
}

/** With {@link MAX_BLOCK_ROW_BYTES} each, a page is 8 MiB at most. */
const PAGE_ROWS = 512
/** A scan of a whole type costs less than looking up the compartments of more than this share. */
const SCANNED_SHARE = 1 / 4
const MAX_REMEMBERED = 10_000
const KEYS = 'temp.member_search_key'

/** Finds the patients for whom a resource meets a search, as of one moment. */
export class MemberSearches {
  readonly #database: Database
  readonly #moment: Moment
  readonly #statements
  readonly #remembered = new Map<string, JsonObject | undefined>()

  constructor(database: Database, moment: Moment) {
    this.#database = database
    this.#moment = moment
    database.exec(`CREATE TABLE IF NOT EXISTS ${KEYS} (key INTEGER PRIMARY KEY)`)
    const columns = `v.key, v.patient,
      CASE WHEN v.bytes <= ${MAX_BLOCK_ROW_BYTES} THEN CAST(v.body AS TEXT) END AS text`
    const isThere = 'v.superseded_seq > :asOf AND v.bytes > 0 AND v.patient IS NOT NULL'
    this.#statements = {
      body: database.prepare('SELECT CAST(body AS TEXT) AS text FROM version WHERE key = ?'),
      shared: database.prepare('SELECT patient FROM shared_compartment WHERE key = ?'),
      inRange: database.prepare(
        `SELECT ${columns} FROM version v
         WHERE v.key > :after AND v.key <= :upTo AND ${isThere} ORDER BY v.key LIMIT ${PAGE_ROWS}`,
      ),
      listed: database.prepare(
        `SELECT ${columns} FROM ${KEYS} k CROSS JOIN version v ON v.key = k.key
         WHERE k.key > :after AND k.key <= :upTo AND ${isThere} ORDER BY k.key LIMIT ${PAGE_ROWS}`,
      ),
      list: database.prepare(
        `INSERT OR IGNORE INTO ${KEYS} SELECT m.key FROM json_each(:patients) p
         CROSS JOIN compartment m ON m.patient = p.value AND m.type = :code AND m.key <= :upTo`,
      ),
      find: database.prepare(
        `SELECT CAST(v.body AS TEXT) AS text FROM node n
         CROSS JOIN version v ON v.key = ${visibleKey('n', ':asOf')}
         WHERE n.type = :code AND n.id = :id AND v.bytes > 0`,
      ),
    }
  }

  /** Those of the candidates for whom some resource meets the search. */
  matching({ type, query }: MemberSearch, candidates: NodeSet): NodeSet {
    const search = compileSearch(type, query, {
      resolve: (reference) => this.#find(reference),
      now: new Date(this.#moment.atMs),
    })
    const matched = new NodeSet()
    if (candidates.size === 0) return matched
    for (const row of this.#rows(typeCode(type), candidates)) {
      const patients = this.#patientsOf(row).filter(
        (patient) => candidates.has(patient) && !matched.has(patient),
      )
      if (patients.length > 0 && this.#meets(search, row)) {
        for (const patient of patients) matched.add(patient)
      }
    }
    return matched
  }

  /** What may be about the candidates, and about others too. */
  *#rows(code: number, candidates: NodeSet): Iterable<Row> {
    if (candidates.size > this.#patientCount() * SCANNED_SHARE) {
      yield* this.#pages(this.#statements.inRange, code)
      return
    }
    const upTo = versionKey(code, this.#moment.asOf)
    for (const patients of candidates.jsonParts()) {
      this.#database.exec(`DELETE FROM ${KEYS}`)
      this.#statements.list.run({ patients, code, upTo })
      yield* this.#pages(this.#statements.listed, code)
    }
  }

  /** No read stays open between pages, so that the write-ahead log can be copied back meanwhile. */
  *#pages(statement: ReturnType<Database['prepare']>, code: number): Iterable<Row> {
    const { asOf } = this.#moment
    const upTo = versionKey(code, asOf)
    let after = versionKey(code, 0)
    for (;;) {
      const rows = statement.all({ after, upTo, asOf }) as unknown as Row[]
      yield* rows
      const last = rows.at(-1)
      if (last === undefined) return
      after = last.key
    }
  }

  #patientsOf({ key, patient }: Row): readonly number[] {
    if (patient !== SEVERAL_PATIENTS) return [patient]
    return (this.#statements.shared.all(key) as { patient: number }[]).map((one) => one.patient)
  }

  /** A damaged resource meets nothing; an export reports it where it holds it. */
  #meets(search: CompiledSearch, { key, text }: Row): boolean {
    const resource = parsed(text ?? this.#text(key))
    return resource !== undefined && search.matches(resource)
  }

  #text(key: number): string {
    return (this.#statements.body.get(key) as { text: string | null } | undefined)?.text ?? ''
  }

  #find({ type, id }: ResourceReference): JsonObject | undefined {
    if (!isResourceType(type)) return undefined
    const name = `${type}/${id}`
    if (this.#remembered.has(name)) return this.#remembered.get(name)
    const { asOf } = this.#moment
    const row = this.#statements.find.get({ code: typeCode(type), id, asOf }) as
      { text: string } | undefined
    const resource = row === undefined ? undefined : parsed(row.text)
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    if ((row?.text.length ?? 0) <= MAX_BLOCK_ROW_BYTES) this.#remembered.set(name, resource)
    return resource
  }

  #patientCount(): number {
    const row = this.#database
      .prepare('SELECT count(*) AS n FROM node WHERE type = ?')
      .get(typeCode('Patient')) as { n: number }
    return row.n
  }
}

// The message of the error is not looked at: it may quote the resource.
function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined
  } catch {
    return undefined
  }
}
