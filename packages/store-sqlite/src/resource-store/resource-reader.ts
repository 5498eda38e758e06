import { RequestInvalidError, type ResourceType } from '@flatfhir/protocol'
import type {
  ReadResult,
  ResourceHead,
  SearchPage,
  SearchQuery,
  StoredResource,
} from '@flatfhir/server'
import type { Database } from '../database.ts'
import { typeCode } from './keys.ts'
import { foldName } from './search-terms.ts'
import { VersionTable } from './version-table.ts'

/** Reads single resources, and searches. */
export class ResourceReader {
  readonly #database: Database
  readonly #versions: VersionTable
  readonly #find

  constructor(database: Database) {
    this.#database = database
    this.#versions = new VersionTable(database)
    this.#find = database.prepare(
      'SELECT current_key AS key FROM node WHERE type = ? AND id = ? AND current_key IS NOT NULL',
    )
  }

  read(type: ResourceType, id: string): ReadResult {
    const found = this.#find.get(typeCode(type), id) as { key: number } | undefined
    if (found === undefined) return { state: 'unknown' }
    const row = this.#versions.get(found.key)
    if (row.bytes > 0) return { state: 'found', resource: this.#resource(type, id, found.key) }
    const lastUpdated = new Date(this.#versions.writtenAt(row))
    return { state: 'deleted', versionId: String(row.version), lastUpdated }
  }

  head(type: ResourceType, id: string): ResourceHead {
    const found = this.#find.get(typeCode(type), id) as { key: number } | undefined
    if (found === undefined) return { state: 'unknown' }
    const row = this.#versions.get(found.key)
    const lastUpdated = new Date(this.#versions.writtenAt(row))
    const state = row.bytes > 0 ? 'found' : 'deleted'
    return { state, versionId: String(row.version), lastUpdated }
  }

  groupsCreatedBy(clientId: string): readonly string[] {
    const rows = this.#database
      .prepare(
        `SELECT n.id FROM group_owner o JOIN node n ON n.node = o.node
         WHERE o.client = ? ORDER BY n.id`,
      )
      .all(clientId) as { id: string }[]
    return rows.map(({ id }) => id)
  }

  search(query: SearchQuery): SearchPage {
    const code = typeCode(query.type)
    const { where, parameters } = criteria(query)
    const from = `FROM node n JOIN version v ON v.key = n.current_key
      WHERE n.type = ? AND v.bytes > 0 ${where}`
    const total = this.#database
      .prepare(`SELECT count(*) AS n ${from}`)
      .get(code, ...parameters) as { n: number }
    const rows = this.#database
      .prepare(`SELECT n.node, n.id, v.key, v.bytes ${from} AND n.node > ? ORDER BY n.node LIMIT ?`)
      .all(code, ...parameters, cursorNode(query.cursor), query.pageSize + 1) as {
      node: number
      id: string
      key: number
      bytes: number
    }[]
    const page = pageOf(rows, query.pageSize)
    const last = rows.length > page.length ? page.at(-1) : undefined
    return {
      resources: page.map(({ id, key }) => this.#resource(query.type, id, key)),
      total: total.n,
      ...(last !== undefined && { nextCursor: String(last.node) }),
    }
  }

  #resource(type: ResourceType, id: string, key: number): StoredResource {
    const row = this.#versions.get(key)
    const lastUpdated = new Date(this.#versions.writtenAt(row))
    return { type, id, versionId: String(row.version), lastUpdated, body: this.#versions.body(key) }
  }
}

/** A page has fewer rows where they are large: one Group may be 100 MB. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024

function pageOf<Row extends { readonly bytes: number }>(
  rows: readonly Row[],
  pageSize: number,
): readonly Row[] {
  let bytes = 0
  const end = rows.findIndex((row, index) => {
    bytes += row.bytes
    return index >= pageSize || (index > 0 && bytes > MAX_PAGE_BYTES)
  })
  return end === -1 ? rows : rows.slice(0, end)
}

interface Criteria {
  readonly where: string
  readonly parameters: readonly (string | number)[]
}

function criteria(query: SearchQuery): Criteria {
  const parts: Criteria[] = []
  const { ids, identifiers, names } = query
  // One parameter, however many ids: SQLite limits both parameters and the depth of expressions.
  if (ids !== undefined) {
    const where = 'n.id IN (SELECT value FROM json_each(?))'
    parts.push({ where, parameters: [JSON.stringify(ids)] })
  }
  if (identifiers !== undefined) parts.push(anyOf(identifiers.map((one) => identifier(query, one))))
  if (names !== undefined) parts.push(anyOf(names.map((name) => startsWith(query, name))))
  return {
    where: parts.map(({ where }) => `AND ${where}`).join(' '),
    parameters: parts.flatMap(({ parameters }) => parameters),
  }
}

function anyOf(alternatives: readonly Criteria[]): Criteria {
  const where = alternatives.map((one) => `(${one.where})`).join(' OR ')
  return {
    where: alternatives.length === 0 ? 'FALSE' : `(${where})`,
    parameters: alternatives.flatMap(({ parameters }) => parameters),
  }
}

function identifier(
  { type }: SearchQuery,
  { system, value }: { system: string | undefined; value: string | undefined },
): Criteria {
  const code = typeCode(type)
  const parameters: (string | number)[] = [code]
  let where = 'type = ?'
  if (value !== undefined) {
    where += ' AND value = ?'
    parameters.push(value)
  }
  if (system !== undefined) {
    where += ' AND system = ?'
    parameters.push(system)
  }
  return { where: `n.node IN (SELECT node FROM search_identifier WHERE ${where})`, parameters }
}

function startsWith({ type }: SearchQuery, name: string): Criteria {
  const term = foldName(name)
  return {
    where: `n.node IN (
      SELECT node FROM search_name WHERE type = ? AND term >= ? AND term < ?)`,
    parameters: [typeCode(type), term, `${term}\u{10ffff}`],
  }
}

function cursorNode(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  if (!/^\d{1,15}$/.test(cursor)) {
    throw new RequestInvalidError('value', 'The page that was asked for does not exist', {
      nextStep: 'Start the search again from its first page.',
    })
  }
  return Number(cursor)
}
