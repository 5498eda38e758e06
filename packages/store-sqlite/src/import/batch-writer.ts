import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { pause } from '../database.ts'
import type { ResourceWriter } from '../resource-store/resource-writer.ts'
import { writesOf, type ImportBatch } from './import-batch.ts'
import type { BatchMessage, ImportCounts } from './import-messages.ts'

/** A transaction takes no further batch after so long: other processes wait for the write lock. */
const TRANSACTION_MS = 300
/** Time left between two transactions for them to take it. */
const PAUSE_MS = 2

type Counts = { -readonly [Name in keyof ImportCounts]: number }

/**
 * Writes batches, several a transaction where they come fast enough: ids are random, so a page of
 * the index changes with every few resources, and is written once a transaction.
 */
export class BatchWriter {
  readonly #writer: ResourceWriter
  readonly #onWritten: (counts: ImportCounts) => void
  /** Within a large Group, all of which is written in one transaction. */
  #isInGroup = false

  /** @param onWritten - Told what each transaction did, once it is over. */
  constructor(writer: ResourceWriter, onWritten: (counts: ImportCounts) => void) {
    this.#writer = writer
    this.#onWritten = onWritten
  }

  /**
   * Writes a message's batch, and those that wait behind it on the port.
   *
   * @returns How many ends of input were among the messages: 0 or 1.
   */
  take(first: BatchMessage, port: MessagePort): number {
    if (first.kind === 'end') return 1
    const counts: Counts = { created: 0, updated: 0, unchanged: 0, deleted: 0, bytes: 0 }
    const ended = this.#writer.transaction(() => this.#writeWaiting(first, port, counts))
    this.#onWritten(counts)
    pause(PAUSE_MS)
    return ended ? 1 : 0
  }

  #writeWaiting(first: BatchMessage, port: MessagePort, counts: Counts): boolean {
    const startedAt = performance.now()
    let message = first
    for (;;) {
      if (message.kind === 'end') return true
      this.#carryOut(message, counts)
      // There is room for another one; that this one is durable is told by `onWritten`.
      port.postMessage('written')
      const isOver = performance.now() - startedAt > TRANSACTION_MS
      if (isOver && !this.#isInGroup) return false
      const next = this.#isInGroup ? nextOf(port) : waitingOf(port)
      if (next === undefined) return false
      message = next
    }
  }

  #carryOut(message: Exclude<BatchMessage, { kind: 'end' }>, counts: Counts): void {
    switch (message.kind) {
      case 'batch':
        this.#write(message.batch, counts)
        return
      case 'group-pieces':
        if (!this.#isInGroup) this.#writer.beginGroup()
        this.#isInGroup = true
        for (const piece of message.pieces) this.#writer.addPiece(piece)
        return
      case 'group-invalid':
        this.#writer.abandonGroup()
        this.#isInGroup = false
        return
      case 'group-end': {
        const { state } = this.#writer.finishGroup(message.shell)
        this.#isInGroup = false
        if (state === 'created' || state === 'updated' || state === 'unchanged') counts[state] += 1
        counts.bytes += message.bytes
      }
    }
  }

  #write(batch: ImportBatch, counts: Counts): void {
    const effects = { created: 0, updated: 0, unchanged: 0, deleted: 0, absent: 0 }
    for (const write of writesOf(batch)) {
      const effect =
        'put' in write
          ? this.#writer.put(write.put)
          : this.#writer.delete(write.delete.code, write.delete.id)
      effects[effect.state] += 1
    }
    counts.created += effects.created
    counts.updated += effects.updated
    counts.unchanged += effects.unchanged
    counts.deleted += effects.deleted
    counts.bytes += batch.bytes.length
  }
}

/** The message that waits on the port, if there is one. */
function waitingOf(port: MessagePort): BatchMessage | undefined {
  return (receiveMessageOnPort(port) as { message: BatchMessage } | undefined)?.message
}

/** The next message; the thread that reads a Group sends all of it. */
function nextOf(port: MessagePort): BatchMessage {
  for (;;) {
    const message = waitingOf(port)
    if (message !== undefined) return message
    pause(1)
  }
}
