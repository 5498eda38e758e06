import { ResourceInvalidError } from '@flatfhir/protocol'
import { GroupTextScanner } from '../resource-store/group-text-scanner.ts'
import { indexShell, readPiece, type RosterPiece } from '../resource-store/split-group.ts'
import type { GroupMessage } from './import-messages.ts'
import type { LineTaker } from './line-splitter.ts'

/** Pieces go to the writer so many bytes at a time. */
const MESSAGE_BYTES = 512 * 1024

/** Where a large Group goes. */
export interface GroupOutput {
  /** Resolves when there is room for more. */
  send(message: GroupMessage): Promise<void>
  report(message: string): void
}

/**
 * Reads a large Group from its line as it arrives, and sends it to the thread that writes: the members
 * piece by piece, the rest at the end. What turns out to be no Group is taken back.
 *
 * What `push` was given waits for {@link drain}, which is to be called often enough.
 */
export class GroupTaker implements LineTaker {
  readonly #output: GroupOutput
  readonly #scanner: GroupTextScanner
  #messages: GroupMessage[] = []
  #pieces: RosterPiece[] = []
  #waitingBytes = 0
  #bytes = 0
  #members = 0
  #hasBegun = false
  #hasFailed = false

  constructor(output: GroupOutput) {
    this.#output = output
    this.#scanner = new GroupTextScanner({
      onPiece: (text) => {
        this.#take(text)
      },
    })
  }

  push(bytes: Uint8Array): void {
    this.#attempt(() => {
      this.#scanner.push(bytes)
    })
  }

  end(): void {
    this.#attempt(() => {
      const shell = indexShell(this.#scanner.end())
      this.#gather()
      this.#messages.push({ kind: 'group-end', shell, bytes: this.#bytes })
    })
  }

  /** Sends what was read so far. */
  async drain(): Promise<void> {
    const messages = this.#messages
    this.#messages = []
    for (const message of messages) await this.#output.send(message)
  }

  #take(text: Uint8Array): void {
    const { count, ...piece } = readPiece(text, this.#members)
    this.#members += count
    this.#bytes += text.length
    this.#waitingBytes += text.length
    this.#pieces.push(piece)
    if (this.#waitingBytes >= MESSAGE_BYTES) this.#gather()
  }

  #gather(): void {
    if (this.#pieces.length === 0 && this.#hasBegun) return
    this.#messages.push({ kind: 'group-pieces', pieces: this.#pieces })
    this.#hasBegun = true
    this.#pieces = []
    this.#waitingBytes = 0
  }

  #attempt(read: () => void): void {
    if (this.#hasFailed) return
    try {
      read()
    } catch (error) {
      if (!(error instanceof ResourceInvalidError)) throw error
      this.#hasFailed = true
      if (this.#hasBegun) this.#messages.push({ kind: 'group-invalid' })
      this.#output.report(error.message)
    }
  }
}
