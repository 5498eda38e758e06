import type { MessagePort } from 'node:worker_threads'
import type { IndexedResource } from '../resource-store/resource-index.ts'
import type { RosterPiece } from '../resource-store/split-group.ts'
import type { ErrorDescription } from '../worker-errors.ts'
import type { ImportBatch } from './import-batch.ts'
import type { ImportSource } from './import-source.ts'

/** Something that could not be imported. Holds no content. */
export interface ImportProblem {
  readonly path: string
  /** 1-based line of an NDJSON file; `undefined` where the file as a whole is at fault. */
  readonly line: number | undefined
  /** 0-based entry of a Bundle. */
  readonly entry: number | undefined
  readonly message: string
}

/** What was written so far. */
export interface ImportCounts {
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  readonly deleted: number
  /** Bytes of the texts of all resources read, changed or not. */
  readonly bytes: number
}

/** To the thread that reads. */
export type ReadingRequest =
  { readonly kind: 'read'; readonly source: ImportSource } | { readonly kind: 'finish' }

/** From the thread that reads. */
export type ReadingMessage =
  { readonly kind: 'problem'; readonly problem: ImportProblem } | { readonly kind: 'file-read' }

/** What the thread that reads is started with. */
export interface ReadingOptions {
  /** Where batches go; each is answered with a message when it was written. */
  readonly batches: MessagePort
  readonly maxLineBytes: number
}

/** From the thread that reads to the one that writes. */
export type BatchMessage =
  { readonly kind: 'batch'; readonly batch: ImportBatch } | GroupMessage | { readonly kind: 'end' }

/**
 * A large Group on its way: pieces of its roster, then the rest of it. From its first message to its
 * last there are no others.
 */
export type GroupMessage =
  | { readonly kind: 'group-pieces'; readonly pieces: readonly RosterPiece[] }
  /** `bytes` are those of the roster. */
  | { readonly kind: 'group-end'; readonly shell: IndexedResource; readonly bytes: number }
  /** Nothing of it is to stay. */
  | { readonly kind: 'group-invalid' }

/** What the thread that writes is started with. */
export interface WritingOptions {
  /** Path of the database file. */
  readonly path: string
  readonly ports: readonly MessagePort[]
}

/** From the thread that writes. `counts` are of one batch. */
export type WritingMessage =
  | { readonly kind: 'written'; readonly counts: ImportCounts }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: ErrorDescription }
