import {
  readResourceText,
  ResourceInvalidError,
  stampResource,
  versionStamp,
} from '@flatfhir/protocol'
import { inTransaction, type Database } from '../database.ts'
import { Compartments } from './compartments.ts'
import { sequenceOf, SEQUENCE_SPAN, typeCode, versionKey } from './keys.ts'
import { NodeTable, type Node } from './node-table.ts'
import { PatientPresence } from './patient-presence.ts'
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

const PATIENT = typeCode('Patient')
const PROVENANCE = typeCode('Provenance')
const GROUP = typeCode('Group')
const SEARCHED = new Set([PATIENT, GROUP])
/** How far Provenance of Provenance is followed. */
const MAX_PROVENANCE_DEPTH = 8

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
  readonly #presence: PatientPresence
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
    this.#presence = new PatientPresence(database)
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
    if (resource.code === PATIENT && current.bytes === 0) {
      this.#presence.begin(node.node, sequenceOf(key))
    }
    this.#placeProvenanceOf(node.node)
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
    const version = current.version + 1
    const row = { key, node: node.node, version, patient: current.patient, statedKey: null }
    this.#versions.insert(row, null)
    this.#compartments.place({ code, key, patients })
    this.#segments.count(key, 0)
    if (code === PATIENT) this.#presence.end(node.node, sequenceOf(key))
    if (code === GROUP) {
      this.#roster.replace(node.node, [], sequenceOf(key))
      this.#roster.setFilter(node.node, undefined, sequenceOf(key))
    }
    return { state: 'deleted', key }
  }

  /** The instant of a version; within a transaction also of those that it wrote. */
  writtenAt(row: Pick<VersionRow, 'key' | 'statedKey'>): Date {
    const sequence = sequenceOf(row.statedKey ?? row.key)
    const isOfThisTransaction = this.#isWriting && sequence > this.#firstSequence
    return new Date(isOfThisTransaction ? this.#writtenAt : this.#versions.writtenAt(row))
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
    if (resource.code === PATIENT) this.#presence.begin(node, sequenceOf(key))
    if (referred !== undefined) this.#placeProvenanceOf(node)
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
    if (resource.code === PROVENANCE) this.#provenance.add(node, this.#targetsOf(resource))
    const patients = this.#patientsOf(resource, node)
    const patient = Compartments.mark(patients)
    this.#versions.insert({ ...version, patient, statedKey: null }, body)
    this.#compartments.place({ code: resource.code, key, patients })
    this.#countLinks(node, patients, resource)
    this.#segments.count(key, body.length)
    if (resource.members !== undefined) {
      this.#roster.replace(node, resource.members, sequenceOf(key))
      this.#roster.setFilter(node, resource.memberFilter, sequenceOf(key))
    }
    if (resource.terms !== undefined) this.#search.add(node, resource.code, resource.terms)
  }

  #patientsOf(resource: IndexedResource, node: number): readonly number[] {
    const own = resource.patients.map((id) =>
      resource.code === PATIENT ? node : this.#nodes.numberOf(PATIENT, id),
    )
    if (resource.code !== PROVENANCE) return own
    const targets = this.#targetsOf(resource).filter((target) => target !== node)
    return [...new Set([...own, ...targets.flatMap((target) => this.#patientsOfNode(target))])]
  }

  #targetsOf({ provenanceTargets }: IndexedResource): readonly number[] {
    return provenanceTargets.map(({ code, id }) => this.#nodes.numberOf(code, id))
  }

  #patientsOfNode(node: number): readonly number[] {
    const key = this.#provenance.currentKeyOf(node)
    if (key === undefined) return []
    const { patient } = this.#versions.get(key)
    return this.#compartments.patientsOf(key, patient)
  }

  /** Every Provenance about a resource goes where the resource is now, whichever came first. */
  #placeProvenanceOf(target: number, depth = 0): void {
    for (const key of this.#provenance.currentKeysFor(target)) {
      const row = this.#versions.get(key)
      if (row.node !== target && this.#restate(row) && depth < MAX_PROVENANCE_DEPTH) {
        this.#placeProvenanceOf(row.node, depth + 1)
      }
    }
  }

  /**
   * Where a version now belongs to other compartments, it takes a new place in the store's history,
   * so that exports as of earlier do not see the change, and a `_since` export of a cohort does. Its
   * text, its version and its instant stay: nobody wrote it.
   */
  #restate(row: VersionRow): boolean {
    const stored = this.#indexIfSound(row)
    if (stored === undefined) return false
    const before = this.#compartments.patientsOf(row.key, row.patient)
    const after = this.#patientsOf(stored, row.node)
    if (after.length === before.length && after.every((one) => before.includes(one))) return false
    const key = this.#nextKey(PROVENANCE)
    const body = this.#versions.body(row.key)
    this.#versions.supersede(row.key, sequenceOf(key))
    this.#countLinks(row.node, before, { supports: stored.supports, change: -1 })
    this.#nodes.setCurrent(row.node, key)
    const statedKey = row.statedKey ?? row.key
    this.#versions.insert({ ...row, key, patient: Compartments.mark(after), statedKey }, body)
    this.#compartments.place({ code: PROVENANCE, key, patients: after })
    this.#countLinks(row.node, after, stored)
    this.#segments.count(key, body.length)
    return true
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
    if (SEARCHED.has(Math.floor(row.key / SEQUENCE_SPAN))) this.#search.remove(row.node)
    const stored = this.#indexIfSound(row)
    if (stored === undefined) return
    const patients = this.#compartments.patientsOf(row.key, row.patient)
    this.#countLinks(row.node, patients, { supports: stored.supports, change: -1 })
    for (const { code, id } of stored.provenanceTargets) {
      this.#provenance.remove(row.node, this.#nodes.numberOf(code, id))
    }
  }

  #index(row: VersionRow): IndexedResource {
    const text = readResourceText(this.#versions.body(row.key))
    return indexResource(text, text.id ?? '')
  }

  /** A damaged text can still be replaced or deleted; what it referred to stays counted. */
  #indexIfSound(row: VersionRow): IndexedResource | undefined {
    try {
      return this.#index(row)
    } catch (error) {
      if (error instanceof ResourceInvalidError) return undefined
      throw error
    }
  }

  /** The same content gives, with the stamp that the current version has, the same bytes. */
  #holdsSame(current: VersionRow, { template }: WritableResource): boolean {
    if (current.bytes === 0) return false
    const stamp = versionStamp(String(current.version), this.writtenAt(current))
    return Buffer.compare(this.#versions.body(current.key), stampResource(template, stamp)) === 0
  }
}
