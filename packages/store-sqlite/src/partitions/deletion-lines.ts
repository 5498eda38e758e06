import { deletionBundleLine, type ResourceType } from '@flatfhir/protocol'
import { compileSearch, type CompiledSearch, type JsonObject } from '@flatfhir/search'
import type { ExportQuery, SearchRestriction, Snapshot } from '@flatfhir/server'
import type { Database } from '../database.ts'
import { NEVER, sequenceOf, typeOfCode } from '../resource-store/keys.ts'
import { WORK_TABLE } from './work-list.ts'

interface Tombstone {
  readonly key: number
  readonly node: number
  readonly type: number
  readonly id: string
}

const PAGE_ROWS = 2048

/**
 * Lines of the `deleted` files for the tombstones in the work list, each resource once. A client that
 * may see only some resources of a type is told of deletions only where it could see what was
 * deleted: the version before the tombstone met its scopes. Where that version is pruned, nobody
 * can tell any more, and the deletion is not told.
 */
export function* deletionLines(
  database: Database,
  { query, snapshot }: { readonly query: ExportQuery; readonly snapshot: Snapshot },
): Iterable<string> {
  const visibility = new Visibility(database, query.restrictions ?? [], snapshot)
  const page = database.prepare(
    `SELECT w.ord, v.key, v.node, n.type, n.id FROM ${WORK_TABLE} w
       CROSS JOIN version v ON v.key = w.key CROSS JOIN node n ON n.node = v.node
     WHERE w.ord > ? ORDER BY w.ord LIMIT ${PAGE_ROWS}`,
  )
  for (let after = 0; ;) {
    const rows = page.all(after) as unknown as (Tombstone & { ord: number })[]
    for (const row of rows) {
      if (visibility.couldBeSeen(row)) yield deletionBundleLine(typeOfCode(row.type), row.id)
    }
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.ord
  }
}

/** What the scopes of an export's client let it see. */
class Visibility {
  readonly #before
  readonly #searches = new Map<ResourceType, (readonly CompiledSearch[])[]>()

  constructor(database: Database, restrictions: readonly SearchRestriction[], snapshot: Snapshot) {
    this.#before = database.prepare(
      `SELECT CAST(body AS TEXT) AS text FROM version
       WHERE node = ? AND superseded_seq = ? AND superseded_seq < ${NEVER} AND bytes > 0`,
    )
    for (const { type, anyOf, origin } of restrictions) {
      if (origin !== 'scope') continue
      const options = { now: snapshot.transactionTime }
      const searches = anyOf.map((search) => compileSearch(type, search, options))
      this.#searches.set(type, [...(this.#searches.get(type) ?? []), searches])
    }
  }

  couldBeSeen({ key, node, type }: Tombstone): boolean {
    const all = this.#searches.get(typeOfCode(type))
    if (all === undefined) return true
    const before = this.#before.get(node, sequenceOf(key)) as { text: string } | undefined
    const resource = before === undefined ? undefined : parsed(before.text)
    if (resource === undefined) return false
    return all.every((anyOf) => anyOf.some((search) => search.matches(resource)))
  }
}

// The message of the error is not looked at: it may quote the resource.
function parsed(text: string): JsonObject | undefined {
  try {
    return JSON.parse(text) as JsonObject
  } catch {
    return undefined
  }
}
