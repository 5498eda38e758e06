import { readResourceText, stampResource, versionStamp } from '@flatfhir/protocol'
import { inTransaction, type Database } from '../database.ts'
import { Compartments } from './compartments.ts'
import { sequenceOf, typeCode, versionKey } from './keys.ts'
import { NodeTable, type Node } from './node-table.ts'
import { ProvenanceTargets } from './provenance-targets.ts'
import { indexResource, type IndexedResource } from './resource-index.ts'
import { Roster } from './roster.ts'
import { SearchIndex } from './search-index.ts'
import { Segments } from './segments.ts'
import { SupportLinks } from './support-links.ts'
import { VersionTable, type VersionRow } from './version-table.ts'
import { WriteClock, type Clock } from './write-clock.ts'

/** What became of one write. */
export interface WriteEffect {
  readonly state: 'created' | 'updated' | 'unchanged' | 'deleted' | 'absent'
  /** The version that is current now; `undefined` when there is none. */
  readonly key: number | undefined
}

/** An indexed resource, perhaps with its text laid out so that it need not be copied again. */
export interface WritableResource extends IndexedResource {
  /** Head, a gap as long as the stamp of version 1, and tail, in one piece; overwritten. */
  readonly roomForFirstVersion?: Uint8Array
}

const PROVENANCE = typeCode('Provenance')

/**
 * Writes versions, and everything that they are found by, in transactions.
 *
 * A version that is written supersedes the current one in the same transaction; both carry the
 * sequence number, so an export as of any snapshot sees exactly one of them. A delete writes a
 * tombstone, which keeps its place in the compartments so that exports of a cohort can tell it.
 */
export class ResourceWriter {
  readonly #database: Database
  readonly #clock: WriteClock
  readonly #nodes: NodeTable
  readonly #versions: VersionTable
  readonly #compartments: Compartments
  readonly #provenance: ProvenanceTargets
  readonly #roster: Roster
  readonly #links: SupportLinks
  readonly #segments: Segments
  readonly #search: SearchIndex
  // Of the transaction that is under way.
  #isWriting = false
  #firstSequence = 0
  #sequence = 0
  #writtenAt = 0
  #firstStamp = ''

  constructor(database: Database, now: Clock = Date.now) {
    this.#database = database
    this.#clock = new WriteClock(database, now)
    this.#nodes = new NodeTable(database)
    this.#versions = new VersionTable(database)
    this.#compartments = new Compartments(database)
    this.#provenance = new ProvenanceTargets(database)
    this.#roster = new Roster(database, this.#nodes)
    this.#links = new SupportLinks(database)
    this.#segments = new Segments(database)
    this.#search = new SearchIndex(database)
  }

  /** Runs writes in one transaction; what `work` throws undoes all of them. */
  transaction<T>(work: () => T): T {
    try {
      return inTransaction(this.#database, () => {
        this.#begin()
        const result = work()
        this.#end()
        return result
      })
    } catch (error) {
      this.#nodes.forget()
      this.#links.forget()
      this.#segments.forget()
      throw error
    } finally {
      this.#isWriting = false
    }
  }

  /** The current version of a resource, tombstones included; within or outside a transaction. */
  current(code: number, id: string): VersionRow | undefined {
    const currentKey = this.#nodes.find(code, id)?.currentKey ?? null
    return currentKey === null ? undefined : this.#versions.get(currentKey)
  }

  /** Within a transaction: writes a resource, unless it is there with the same content. */
  put(resource: WritableResource): WriteEffect {
    const node = this.#nodes.find(resource.code, resource.id)
    if (node === undefined || node.currentKey === null) return this.#putFirst(resource, node)
    const current = this.#versions.get(node.currentKey)
    if (this.#holdsSame(current, resource)) return { state: 'unchanged', key: current.key }
    const key = this.#nextKey(resource.code)
    this.#retire(current, key)
    this.#nodes.setCurrent(node.node, key)
    const version = current.version + 1
    const stamp = versionStamp(String(version), new Date(this.#writtenAt))
    const body = stampResource(resource.template, stamp)
    this.#insert(resource, { key, node: node.node, version, body })
    this.#placeProvenanceOf(node.node, key)
    return { state: current.bytes === 0 ? 'created' : 'updated', key }
  }

  /** Within a transaction: deletes a resource, which is not there afterwards in any case. */
  delete(code: number, id: string): WriteEffect {
    const node = this.#nodes.find(code, id)
    if (node === undefined || node.currentKey === null) return { state: 'absent', key: undefined }
    const current = this.#versions.get(node.currentKey)
    if (current.bytes === 0) return { state: 'absent', key: current.key }
    const key = this.#nextKey(code)
    const patients = this.#compartments.patientsOf(current.key, current.patient)
    this.#retire(current, key)
    this.#nodes.setCurrent(node.node, key)
    const row = { key, node: node.node, version: current.version + 1, patient: current.patient }
    this.#versions.insert(row, null)
    this.#compartments.place({ code, key, patients })
    this.#segments.count(key, 0)
    if (code === typeCode('Group')) this.#roster.replace(node.node, [], sequenceOf(key))
    return { state: 'deleted', key }
  }

  /** The instant of a version; within a transaction also of those that it wrote. */
  writtenAt(key: number): Date {
    const isOfThisTransaction = this.#isWriting && sequenceOf(key) > this.#firstSequence
    return new Date(isOfThisTransaction ? this.#writtenAt : this.#versions.writtenAt(key))
  }

  /** The row of a version. */
  version(key: number): VersionRow {
    return this.#versions.get(key)
  }

  body(key: number): Uint8Array {
    return this.#versions.body(key)
  }

  takeSnapshot(): ReturnType<WriteClock['takeSnapshot']> {
    return this.#clock.takeSnapshot()
  }

  #begin(): void {
    const { sequence, writtenAt } = this.#clock.begin()
    this.#firstSequence = sequence
    this.#sequence = sequence
    this.#writtenAt = writtenAt
    this.#firstStamp = versionStamp('1', new Date(writtenAt))
    this.#isWriting = true
  }

  #end(): void {
    if (this.#sequence > this.#firstSequence) {
      this.#links.flush(this.#sequence)
      this.#segments.flush()
      this.#clock.end(this.#sequence, this.#writtenAt)
    }
  }

  #nextKey(code: number): number {
    this.#sequence += 1
    return versionKey(code, this.#sequence)
  }

  #putFirst(resource: WritableResource, referred: Node | undefined): WriteEffect {
    const key = this.#nextKey(resource.code)
    const node = referred?.node ?? this.#nodes.add(resource.code, resource.id, key)
    if (referred !== undefined) this.#nodes.setCurrent(node, key)
    this.#insert(resource, { key, node, version: 1, body: this.#firstBody(resource) })
    if (referred !== undefined) this.#placeProvenanceOf(node, key)
    return { state: 'created', key }
  }

  #firstBody({ template, roomForFirstVersion }: WritableResource): Uint8Array {
    if (roomForFirstVersion === undefined) return stampResource(template, this.#firstStamp)
    const gap = template.head.reduce((bytes, piece) => bytes + piece.length, 0)
    Buffer.from(roomForFirstVersion.buffer, roomForFirstVersion.byteOffset + gap).write(
      this.#firstStamp,
      'latin1',
    )
    return roomForFirstVersion
  }

  #insert(
    resource: WritableResource,
    { body, ...version }: { key: number; node: number; version: number; body: Uint8Array },
  ): void {
    const { key, node } = version
    const patients = this.#patientsOf(resource, node)
    this.#versions.insert({ ...version, patient: Compartments.mark(patients) }, body)
    this.#compartments.place({ code: resource.code, key, patients })
    this.#countLinks(node, patients, resource)
    this.#segments.count(key, body.length)
    if (resource.members !== undefined) {
      this.#roster.replace(node, resource.members, sequenceOf(key))
    }
    if (resource.terms !== undefined) this.#search.add(node, resource.code, resource.terms)
  }

  #patientsOf(resource: IndexedResource, node: number): readonly number[] {
    const own = resource.patients.map((id) =>
      resource.code === typeCode('Patient') ? node : this.#nodes.numberOf(typeCode('Patient'), id),
    )
    if (resource.code !== PROVENANCE) return own
    const targets = resource.provenanceTargets.map(({ code, id }) => this.#nodes.numberOf(code, id))
    this.#provenance.add(node, targets)
    return [...new Set([...own, ...targets.flatMap((target) => this.#patientsOfNode(target))])]
  }

  #patientsOfNode(node: number): readonly number[] {
    const key = this.#provenance.currentKeyOf(node)
    if (key === undefined) return []
    const { patient } = this.#versions.get(key)
    return this.#compartments.patientsOf(key, patient)
  }

  /** A Provenance may be written before its target: it joins the target's compartments now. */
  #placeProvenanceOf(target: number, key: number): void {
    const { patient } = this.#versions.get(key)
    const patients = this.#compartments.patientsOf(key, patient)
    if (patients.length === 0) return
    for (const provenanceKey of this.#provenance.currentKeysFor(target)) {
      this.#widen(provenanceKey, patients)
    }
  }

  #widen(provenanceKey: number, patients: readonly number[]): void {
    const row = this.#versions.get(provenanceKey)
    const before = this.#compartments.patientsOf(provenanceKey, row.patient)
    const after = [...new Set([...before, ...patients])]
    if (after.length === before.length) return
    const stored = this.#index(row)
    this.#countLinks(row.node, before, { supports: stored.supports, change: -1 })
    this.#compartments.widen({ code: PROVENANCE, key: provenanceKey, patients: after })
    this.#countLinks(row.node, after, stored)
  }

  #countLinks(
    node: number,
    patients: readonly number[],
    { supports, change = 1 }: Pick<IndexedResource, 'supports'> & { change?: 1 | -1 },
  ): void {
    const owners = patients.length > 0 ? patients : [node]
    for (const { code, id } of supports) {
      const target = this.#nodes.numberOf(code, id)
      for (const owner of owners) this.#links.count(owner, target, change)
    }
  }

  /** Takes a version that is no longer current out of everything that tells of current ones. */
  #retire(row: VersionRow, byKey: number): void {
    this.#versions.supersede(row.key, sequenceOf(byKey))
    if (row.bytes === 0) return
    const stored = this.#index(row)
    const patients = this.#compartments.patientsOf(row.key, row.patient)
    this.#countLinks(row.node, patients, { supports: stored.supports, change: -1 })
    if (stored.terms !== undefined) this.#search.remove(row.node)
    for (const { code, id } of stored.provenanceTargets) {
      this.#provenance.remove(row.node, this.#nodes.numberOf(code, id))
    }
  }

  #index(row: VersionRow): IndexedResource {
    const text = readResourceText(this.#versions.body(row.key))
    return indexResource(text, text.id ?? '')
  }

  /** The same content gives, with the stamp that the current version has, the same bytes. */
  #holdsSame(current: VersionRow, { template }: WritableResource): boolean {
    if (current.bytes === 0) return false
    const stamp = versionStamp(String(current.version), this.writtenAt(current.key))
    return Buffer.compare(this.#versions.body(current.key), stampResource(template, stamp)) === 0
  }
}
