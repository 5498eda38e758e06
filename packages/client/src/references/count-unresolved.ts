import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { RESOURCE_TYPES } from '@flatfhir/protocol'
import type { UnresolvedReferences } from '../receipt/receipt.ts'
import { HashTable } from './hash-table.ts'
import { FRAME_HEAD_BYTES, FRAME_MARK, frameBytes } from './reference-spill.ts'

/** Hashes looked at in one pass: the more, the fewer passes and the more memory. */
const PER_PASS = 1_000_000

/** Runs that count, with the number of frames that each must have. */
export type WantedRuns = ReadonlyMap<number, number>

/**
 * Counts, by type, the resources that are referred to and not there.
 *
 * Synchronous and heavy: for a worker thread. Memory is bounded whatever the size of the export,
 * because only one share of the hashes is looked at in a pass.
 *
 * @returns `undefined` when frames are missing: after a power cut, say. Then nothing can be told.
 */
export function countUnresolved(
  path: string,
  runs: WantedRuns,
): readonly UnresolvedReferences[] | undefined {
  const file = openSync(path, 'r')
  try {
    const entries = countEntries(file, runs)
    if (entries === undefined) return undefined
    const passes = Math.max(1, Math.ceil((entries.keys + entries.targets) / PER_PASS))
    const missing = new Array<number>(RESOURCE_TYPES.length).fill(0)
    for (let pass = 0; pass < passes; pass += 1) {
      countPass(file, runs, { pass, passes, entries, missing })
    }
    return RESOURCE_TYPES.flatMap((type, place) => {
      const resources = missing[place] ?? 0
      return resources === 0 ? [] : [{ type, resources }]
    })
  } finally {
    closeSync(file)
  }
}

interface Frame {
  readonly run: number
  readonly keys: Float64Array
  readonly targets: Float64Array
  readonly types: Uint8Array
}

interface Entries {
  readonly keys: number
  readonly targets: number
}

function countEntries(file: number, runs: WantedRuns): Entries | undefined {
  const seen = new Map<number, number>()
  const entries = { keys: 0, targets: 0 }
  for (const { run, keys, targets } of frames(file, runs)) {
    seen.set(run, (seen.get(run) ?? 0) + 1)
    entries.keys += keys.length
    entries.targets += targets.length
  }
  const isWhole = [...runs].every(([run, wanted]) => (seen.get(run) ?? 0) === wanted)
  return isWhole ? entries : undefined
}

function countPass(
  file: number,
  runs: WantedRuns,
  share: {
    readonly pass: number
    readonly passes: number
    readonly entries: Entries
    readonly missing: number[]
  },
): void {
  const { pass, passes, entries, missing } = share
  const present = new HashTable(entries.keys / passes)
  // Most targets are in many frames.
  const wanted = new HashTable(entries.targets / passes / 4)
  for (const { keys, targets, types } of frames(file, runs)) {
    for (const key of keys) if (isInShare(key, pass, passes)) present.set(key, 0)
    for (let index = 0; index < targets.length; index += 1) {
      const target = targets[index] ?? 0
      if (isInShare(target, pass, passes)) wanted.set(target, types[index] ?? 0)
    }
  }
  wanted.forEach((target, type) => {
    if (!present.has(target)) missing[type] = (missing[type] ?? 0) + 1
  })
}

/** By the upper bits: the lower ones are what a table goes by. */
function isInShare(hash: number, pass: number, passes: number): boolean {
  return passes === 1 || Math.floor(hash / 2 ** 32) % passes === pass
}

function* frames(file: number, runs: WantedRuns): Generator<Frame, void, void> {
  const { size } = fstatSync(file)
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  for (let at = 0; at + FRAME_HEAD_BYTES <= size;) {
    readSync(file, head, 0, head.length, at)
    const [mark, run, keys, targets] = [0, 4, 8, 12].map((offset) => head.readUInt32LE(offset))
    if (mark !== FRAME_MARK || run === undefined || keys === undefined || targets === undefined) {
      return
    }
    const end = at + frameBytes(keys, targets)
    if (end > size) return
    if (runs.has(run)) {
      const body = new ArrayBuffer(end - at - FRAME_HEAD_BYTES)
      readSync(file, new Uint8Array(body), 0, body.byteLength, at + FRAME_HEAD_BYTES)
      yield {
        run,
        keys: new Float64Array(body, 0, keys),
        targets: new Float64Array(body, keys * 8, targets),
        types: new Uint8Array(body, (keys + targets) * 8, targets),
      }
    }
    at = end
  }
}
