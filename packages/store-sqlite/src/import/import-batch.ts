import { versionStamp, type StampTemplate } from '@flatfhir/protocol'
import { typeCode } from '../resource-store/keys.ts'
import type { IndexedResource, RosterMember, Target } from '../resource-store/resource-index.ts'
import type { MemberFilter } from '../resource-store/member-filter.ts'
import type { WritableResource } from '../resource-store/resource-writer.ts'
import type { SearchTerms } from '../resource-store/search-terms.ts'

/** What only few resources have. */
interface Rarities {
  readonly provenanceTargets: readonly Target[]
  readonly members: readonly RosterMember[] | undefined
  readonly memberFilter: MemberFilter | undefined
  readonly terms: SearchTerms | undefined
}

/** A delete that a Bundle asks for. */
export interface BatchDelete {
  readonly target: Target
  /** Index of the resource that is written next, so that the files' order is kept. */
  readonly before: number
}

/**
 * Indexed resources on their way from the thread that reads to the thread that writes, in columns:
 * a few large arrays pass between threads at a fraction of the cost of many small objects.
 */
export interface ImportBatch {
  /** The resources' texts, each with a gap for the stamp of its first version. */
  readonly bytes: Uint8Array
  /** Where each text ends in `bytes`. */
  readonly ends: Uint32Array
  /** Where the gap starts, from the start of the text. */
  readonly gaps: Uint32Array
  readonly codes: Uint8Array
  readonly ids: readonly string[]
  /** Ids of patients that the batch refers to, each once. */
  readonly patientIds: readonly string[]
  /** Indexes into `patientIds`; those of resource n end at `patientEnds[n]`. */
  readonly patients: Uint32Array
  readonly patientEnds: Uint32Array
  /** Supporting resources that the batch refers to, each once. */
  readonly supportTargets: readonly Target[]
  /** Indexes into `supportTargets`. */
  readonly supports: Uint32Array
  readonly supportEnds: Uint32Array
  readonly rarities: ReadonlyMap<number, Rarities>
  readonly deletes: readonly BatchDelete[]
}

const PATIENT = typeCode('Patient')
const STAMP_BYTES = versionStamp('1', new Date(0)).length

/** What is kept of a resource once its text is laid out. */
type LaidOut = Omit<IndexedResource, 'template'>

/** Gathers indexed resources into a batch; their texts are copied at once and not held on to. */
export class ImportBatchBuilder {
  readonly #resources: LaidOut[] = []
  readonly #deletes: BatchDelete[] = []
  readonly #ends: number[] = []
  readonly #gaps: number[] = []
  #room: Uint8Array
  #bytes = 0

  /** @param expectedBytes - Room that is made at once; more is made when it is needed. */
  constructor(expectedBytes: number) {
    this.#room = Buffer.allocUnsafeSlow(expectedBytes)
  }

  /** Bytes gathered so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** Resources and deletes gathered so far. */
  get size(): number {
    return this.#resources.length + this.#deletes.length
  }

  add({ template, ...resource }: IndexedResource): void {
    this.#resources.push(resource)
    this.#makeRoom(sizeOf(template))
    const start = this.#bytes
    for (const piece of template.head) this.#put(piece)
    this.#gaps.push(this.#bytes - start)
    this.#bytes += STAMP_BYTES
    for (const piece of template.tail) this.#put(piece)
    this.#ends.push(this.#bytes)
  }

  delete(target: Target): void {
    this.#deletes.push({ target, before: this.#resources.length })
  }

  build(): ImportBatch {
    const resources = this.#resources
    const patients = new Pool<string, string>((id) => id)
    const supports = new Pool<Target, string>(({ code, id }) => `${code}/${id}`)
    return {
      bytes: this.#room.subarray(0, this.#bytes),
      ends: Uint32Array.from(this.#ends),
      gaps: Uint32Array.from(this.#gaps),
      codes: Uint8Array.from(resources, ({ code }) => code),
      ids: resources.map(({ id }) => id),
      // A Patient's own compartment needs no telling.
      ...patientColumns(
        resources.map((one) => (one.code === PATIENT ? [] : one.patients)),
        patients,
      ),
      ...supportColumns(
        resources.map((one) => one.supports),
        supports,
      ),
      rarities: raritiesOf(resources),
      deletes: this.#deletes,
    }
  }

  #put(piece: Uint8Array): void {
    this.#room.set(piece, this.#bytes)
    this.#bytes += piece.length
  }

  #makeRoom(bytes: number): void {
    const needed = this.#bytes + bytes
    if (needed <= this.#room.length) return
    const room = Buffer.allocUnsafeSlow(Math.max(needed, this.#room.length * 2))
    room.set(this.#room.subarray(0, this.#bytes))
    this.#room = room
  }
}

/** One write of a batch. */
export type BatchWrite = { readonly put: WritableResource } | { readonly delete: Target }

/** The writes of a batch, in the order of the files. */
export function* writesOf(batch: ImportBatch): Iterable<BatchWrite> {
  let nextDelete = 0
  for (let index = 0; index <= batch.codes.length; index += 1) {
    for (
      let one = batch.deletes[nextDelete];
      one?.before === index;
      one = batch.deletes[nextDelete]
    ) {
      yield { delete: one.target }
      nextDelete += 1
    }
    if (index < batch.codes.length) yield { put: resourceAt(batch, index) }
  }
}

/** Buffers of a batch that move between threads instead of being copied. */
export function transferList(batch: ImportBatch): readonly ArrayBuffer[] {
  const columns = [batch.bytes, batch.ends, batch.gaps, batch.codes]
  const references = [batch.patients, batch.patientEnds, batch.supports, batch.supportEnds]
  return [...columns, ...references].map(({ buffer }) => buffer as ArrayBuffer)
}

const NO_RARITIES: Rarities = {
  provenanceTargets: [],
  members: undefined,
  memberFilter: undefined,
  terms: undefined,
}

function resourceAt(batch: ImportBatch, index: number): WritableResource {
  const start = endOf(batch.ends, index - 1)
  const room = batch.bytes.subarray(start, endOf(batch.ends, index))
  const gap = endOf(batch.gaps, index)
  const code = endOf(batch.codes, index)
  const id = batch.ids[index] ?? ''
  return {
    code,
    id,
    template: { head: [room.subarray(0, gap)], tail: [room.subarray(gap + STAMP_BYTES)] },
    roomForFirstVersion: room,
    patients:
      code === PATIENT ? [id] : pick(batch.patientIds, batch.patients, [batch.patientEnds, index]),
    supports: pick(batch.supportTargets, batch.supports, [batch.supportEnds, index]),
    ...(batch.rarities.get(index) ?? NO_RARITIES),
  }
}

function pick<T>(
  pool: readonly T[],
  indexes: Uint32Array,
  [ends, index]: readonly [Uint32Array, number],
): readonly T[] {
  const picked: T[] = []
  for (let at = endOf(ends, index - 1); at < endOf(ends, index); at += 1) {
    const value = pool[indexes[at] ?? -1]
    if (value !== undefined) picked.push(value)
  }
  return picked
}

function endOf(ends: Uint32Array | Uint8Array, index: number): number {
  return ends[index] ?? 0
}

function sizeOf({ head, tail }: StampTemplate): number {
  let bytes = STAMP_BYTES
  for (const piece of head) bytes += piece.length
  for (const piece of tail) bytes += piece.length
  return bytes
}

function patientColumns(
  lists: readonly (readonly string[])[],
  pool: Pool<string, string>,
): Pick<ImportBatch, 'patientIds' | 'patients' | 'patientEnds'> {
  const { indexes, ends } = pool.columns(lists)
  return { patientIds: pool.values, patients: indexes, patientEnds: ends }
}

function supportColumns(
  lists: readonly (readonly Target[])[],
  pool: Pool<Target, string>,
): Pick<ImportBatch, 'supportTargets' | 'supports' | 'supportEnds'> {
  const { indexes, ends } = pool.columns(lists)
  return { supportTargets: pool.values, supports: indexes, supportEnds: ends }
}

function raritiesOf(resources: readonly LaidOut[]): ReadonlyMap<number, Rarities> {
  const rarities = new Map<number, Rarities>()
  resources.forEach(({ provenanceTargets, members, memberFilter, terms }, index) => {
    const isRare = provenanceTargets.length > 0 || members !== undefined || terms !== undefined
    if (isRare) rarities.set(index, { provenanceTargets, members, memberFilter, terms })
  })
  return rarities
}

/** Values that stand once in a list, and are pointed at by their index. */
class Pool<Value, Name> {
  readonly values: Value[] = []
  readonly #indexes = new Map<Name, number>()
  readonly #nameOf: (value: Value) => Name

  constructor(nameOf: (value: Value) => Name) {
    this.#nameOf = nameOf
  }

  columns(lists: readonly (readonly Value[])[]): { indexes: Uint32Array; ends: Uint32Array } {
    const indexes: number[] = []
    const ends = new Uint32Array(lists.length)
    lists.forEach((list, index) => {
      for (const value of list) indexes.push(this.#indexOf(value))
      ends[index] = indexes.length
    })
    return { indexes: Uint32Array.from(indexes), ends }
  }

  #indexOf(value: Value): number {
    const name = this.#nameOf(value)
    const known = this.#indexes.get(name)
    if (known !== undefined) return known
    const index = this.values.push(value) - 1
    this.#indexes.set(name, index)
    return index
  }
}
