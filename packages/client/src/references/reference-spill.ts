import { open } from 'node:fs/promises'
import { PartFile } from '../download/part-file.ts'
import type { CollectedReferences } from './collect-references.ts'

/** Bytes of the head of a frame: five numbers of 32 bits. */
export const FRAME_HEAD_BYTES = 20
/** Begins every frame. */
export const FRAME_MARK = 0x46465246

/** Size of a frame with so many keys and targets. */
export function frameBytes(keys: number, targets: number): number {
  return FRAME_HEAD_BYTES + keys * 8 + targets * 9
}

/**
 * Keeps ids and references on disk until everything has arrived.
 *
 * A frame belongs to a run of a file, and counts only if that run is the one that the journal has as
 * done: what was collected before a download started over does not. Frames: mark, run, keys, targets,
 * 0 (each 32 bits, little endian), then the keys, the targets (64-bit floats) and the targets' types.
 */
export class ReferenceSpill implements AsyncDisposable {
  readonly #file: PartFile
  #writing: Promise<void> = Promise.resolve()

  private constructor(file: PartFile) {
    this.#file = file
  }

  /** Opens the spill behind its last whole frame; a killed process may have torn one. */
  static async open(path: string): Promise<ReferenceSpill> {
    await cutTornFrame(path)
    return new ReferenceSpill(await PartFile.open(path))
  }

  /** Resolves when the frame is written. */
  async add(run: number, collected: CollectedReferences): Promise<void> {
    const frame = encodeFrame(run, collected)
    this.#writing = this.#writing.then(async () => {
      await this.#file.append(frame)
      // The journal will say that the file is done, and count on its frames.
      await this.#file.flush()
    })
    return this.#writing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing.catch(() => undefined)
    await this.#file.close()
  }
}

async function cutTornFrame(path: string): Promise<void> {
  await using handle = await open(path, 'a+', 0o600)
  const { size } = await handle.stat()
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  let end = 0
  while (end + FRAME_HEAD_BYTES <= size) {
    await handle.read(head, 0, head.length, end)
    const next = end + frameBytes(head.readUInt32LE(8), head.readUInt32LE(12))
    if (head.readUInt32LE(0) !== FRAME_MARK || next > size) break
    end = next
  }
  if (end < size) await handle.truncate(end)
}

function encodeFrame(run: number, { keys, targets, targetTypes }: CollectedReferences): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  head.writeUInt32LE(FRAME_MARK, 0)
  head.writeUInt32LE(run, 4)
  head.writeUInt32LE(keys.length, 8)
  head.writeUInt32LE(targets.length, 12)
  const bytes = (array: Float64Array | Uint8Array): Uint8Array =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  return Buffer.concat([head, bytes(keys), bytes(targets), targetTypes])
}
