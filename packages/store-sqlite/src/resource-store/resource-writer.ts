import {
  readResourceText,
  ResourceInvalidError,
  stampResource,
  stampTemplate,
  versionStamp,
} from '@flatfhir/protocol'
import { inTransaction, type Database } from '../database.ts'
import { Compartments } from './compartments.ts'
import { sequenceOf, SEQUENCE_SPAN, typeCode, versionKey } from './keys.ts'
import { NodeTable, type Node } from './node-table.ts'
import { PatientPresence } from './patient-presence.ts'
import { ProvenanceTargets } from './provenance-targets.ts'
import type { JoiningMember } from './member-change.ts'
import {
  indexResource,
  type IndexedResource,
  type RosterMember,
  type Target,
} from './resource-index.ts'
import { Roster } from './roster.ts'
import type { RosterPiece } from './split-group.ts'
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
  /** The members were given piece by piece; `members` is not looked at. */
  readonly isSplit?: boolean
}

/** Who joins a large Group, and who leaves it. */
export interface PieceChange {
  readonly joining: readonly JoiningMember[]
  readonly leaving: readonly Target[]
  /** Whether an element of the roster, parsed, is one of those who leave. */
  readonly isLeaving: (element: unknown) => boolean
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

  /**
   * Within a transaction: begins a Group whose roster comes piece by piece, of which there is only one
   * at a time. It ends with {@link finishGroup} or {@link abandonGroup}.
   */
  beginGroup(): void {
    this.#database.exec('SAVEPOINT split_group')
    this.#roster.beginGathering()
    this.#versions.rosters.begin()
  }

  addPiece({ text, members }: RosterPiece): void {
    this.#versions.rosters.add(text, this.#roster.gather(members))
  }

  finishGroup(shell: IndexedResource): WriteEffect {
    if (!this.#versions.rosters.hasAny()) {
      this.abandonGroup()
      return this.put(shell)
    }
    const effect = this.put({ ...shell, isSplit: true })
    if (effect.state === 'unchanged') this.abandonGroup()
    else this.#database.exec('RELEASE split_group')
    return effect
  }

  /** Whether a version's roster is stored in pieces. */
  isSplit({ key }: VersionRow): boolean {
    return Math.floor(key / SEQUENCE_SPAN) === GROUP && this.#versions.rosters.isSplit(key)
  }

  /** Whether somebody is in the roster of a Group, active or not. */
  isMember(roster: number, { code, id }: Target): boolean {
    const member = this.#nodes.find(code, id)?.node
    return member !== undefined && this.#roster.has(roster, member)
  }

  /** Whether somebody is in the roster of a Group in just this way. */
  isMemberAlready(roster: number, member: RosterMember): boolean {
    return this.#roster.hasSame(roster, member)
  }

  /** Whether a Group has a member filter that selects from all patients. */
  selectsFromEverybody(roster: number): boolean {
    return this.#roster.selectsFromEverybody(roster)
  }

  /** Within a transaction: makes a version of a large Group that differs in single members. */
  changePieces(current: VersionRow, { joining, leaving, isLeaving }: PieceChange): void {
    const { node } = current
    const key = this.#nextKey(GROUP)
    const sequence = sequenceOf(key)
    const { rosters } = this.#versions
    const leavers = leaving.map(({ code, id }) => this.#nodes.numberOf(code, id))
    for (const member of leavers) this.#roster.remove(node, member, sequence)
    rosters.remove({ key, node }, leavers, isLeaving)
    this.#roster.beginGathering()
    const pieces = piecesOf(joining).map(({ text, members }) => {
      return { text, members: this.#roster.gather(members) }
    })
    this.#roster.addGathered(node, sequence)
    rosters.append({ key, node }, pieces)
    const version = current.version + 1
    const shell = this.#restamped(current, version)
    const bytes = shell.length + rosters.currentBytes(node)
    this.#versions.supersede(current.key, sequence)
    this.#versions.insert({ ...current, key, version, statedKey: null }, shell, bytes)
    this.#nodes.setCurrent(node, key)
    this.#segments.count(key, bytes)
  }

  /** Within a transaction: notes whose a Group is; the first owner stays. */
  setOwner(groupId: string, clientId: string): void {
    this.#database
      .prepare('INSERT OR IGNORE INTO group_owner (node, client) VALUES (?, ?)')
      .run(this.#nodes.numberOf(GROUP, groupId), clientId)
  }

  /** The current version of a node that has one. */
  currentOf(node: number): VersionRow {
    return this.#versions.get(this.#nodes.currentKeyOf(node))
  }

  /** Undoes what was written since {@link beginGroup}. */
  abandonGroup(): void {
    this.#database.exec('ROLLBACK TO split_group')
    this.#database.exec('RELEASE split_group')
    // Members may have been numbered in between.
    this.#nodes.forget()
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
      this.#versions.rosters.end(node.node, sequenceOf(key))
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
    const rosterBytes = resource.code === GROUP ? this.#setRoster(resource, { key, node }) : 0
    const bytes = body.length + rosterBytes
    this.#versions.insert({ ...version, patient, statedKey: null }, body, bytes)
    this.#compartments.place({ code: resource.code, key, patients })
    this.#countLinks(node, patients, resource)
    this.#segments.count(key, bytes)
    if (resource.terms !== undefined) this.#search.add(node, resource.code, resource.terms)
  }

  /** @returns bytes of the roster that are not in the version's body. */
  #setRoster(resource: WritableResource, { key, node }: { key: number; node: number }): number {
    const sequence = sequenceOf(key)
    const { rosters } = this.#versions
    rosters.end(node, sequence)
    this.#roster.setFilter(node, resource.memberFilter, sequence)
    if (resource.isSplit !== true) {
      this.#roster.replace(node, resource.members ?? [], sequence)
      return 0
    }
    this.#roster.replaceByGathered(node, sequence)
    rosters.open({ key, node })
    return rosters.currentBytes(node)
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
    const text = readResourceText(this.#versions.shell(row.key))
    const hasMembersElsewhere = this.isSplit(row)
    return indexResource(text, text.id ?? '', { hasMembersElsewhere })
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

  /** The text of a version with the stamp of the next one. */
  #restamped({ key }: VersionRow, version: number): Uint8Array {
    const text = readResourceText(this.#versions.shell(key))
    const stamp = versionStamp(String(version), new Date(this.#writtenAt))
    return stampResource(stampTemplate(text, text.id ?? ''), stamp)
  }

  /** The same content gives, with the stamp that the current version has, the same bytes. */
  #holdsSame(current: VersionRow, { template, isSplit = false }: WritableResource): boolean {
    if (current.bytes === 0 || this.isSplit(current) !== isSplit) return false
    const { rosters } = this.#versions
    if (isSplit && rosters.digestOf(current.key) !== rosters.digest()) return false
    const stamp = versionStamp(String(current.version), this.writtenAt(current))
    return Buffer.compare(this.#versions.shell(current.key), stampResource(template, stamp)) === 0
  }
}

const PIECE_MEMBERS = 128

/** Those who join, in pieces of a roster. */
function piecesOf(
  joining: readonly JoiningMember[],
): readonly { readonly text: Uint8Array; readonly members: readonly RosterMember[] }[] {
  const pieces = []
  for (let at = 0; at < joining.length; at += PIECE_MEMBERS) {
    const some = joining.slice(at, at + PIECE_MEMBERS)
    const text = Buffer.from(some.map((one) => one.text).join(','))
    pieces.push({ text, members: some.map(({ member }) => member) })
  }
  return pieces
}
