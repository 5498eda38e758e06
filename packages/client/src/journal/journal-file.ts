import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { JournalInvalidError } from '../errors.ts'
import { type JournalEntry, parseJournalEntry } from './journal-entry.ts'

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * The append-only file that a run can be taken up from, whatever killed it.
 *
 * An entry counts when {@link append} has resolved: then it is on the disk, not in a cache. Entries
 * that arrive while the disk is busy are flushed together, so thousands of small files do not wait
 * for thousands of flushes. A line that was torn by a crash is cut off when the file is opened again:
 * nobody was told that it counts.
 */
export class JournalFile implements AsyncDisposable {
  /** What the file held when it was opened. */
  readonly entries: readonly JournalEntry[]
  readonly #handle: FileHandle
  #lines: string[] = []
  #waiting: Waiting[] = []
  #flushing: Promise<void> | undefined

  private constructor(handle: FileHandle, entries: readonly JournalEntry[]) {
    this.#handle = handle
    this.entries = entries
  }

  /**
   * Opens a journal for writing; makes it when it is missing.
   *
   * @throws {@link JournalInvalidError} when anything but its last line is damaged; the file
   *   system's errors.
   */
  static async open(path: string): Promise<JournalFile> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const { entries, bytes } = await readJournal(path)
    const handle = await open(path, 'a', 0o600)
    try {
      await handle.truncate(bytes)
      await syncDirectory(dirname(path))
    } catch (error) {
      await handle.close()
      throw error
    }
    return new JournalFile(handle, entries)
  }

  /** Resolves when the entry is durable. */
  async append(entry: JournalEntry): Promise<void> {
    this.#lines.push(`${JSON.stringify(entry)}\n`)
    const durable = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
    })
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    return durable
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushing
    await this.#handle.close()
  }

  async #flush(): Promise<void> {
    while (this.#lines.length > 0) {
      const text = this.#lines.join('')
      const waiting = this.#waiting
      this.#lines = []
      this.#waiting = []
      try {
        await this.#handle.appendFile(text)
        await this.#handle.datasync()
        for (const { resolve } of waiting) resolve()
      } catch (error) {
        for (const { reject } of waiting) reject(error)
      }
    }
  }
}

/** The entries of a journal, for those who only look. A missing file has none. */
export async function readJournal(
  path: string,
): Promise<{ readonly entries: readonly JournalEntry[]; readonly bytes: number }> {
  const content = await readFile(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  })
  const entries: JournalEntry[] = []
  let start = 0
  for (let end = content.indexOf(0x0a); end !== -1; end = content.indexOf(0x0a, start)) {
    const entry = parseJournalEntry(content.toString('utf8', start, end))
    if (entry === undefined) {
      // After a power cut the last flush may have reached the disk in any shape; before it, nothing.
      if (content.indexOf(0x0a, end + 1) === -1) break
      throw new JournalInvalidError('damaged', dirname(dirname(path)))
    }
    entries.push(entry)
    start = end + 1
  }
  return { entries, bytes: start }
}

/** Makes the names in a folder durable. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    await using handle = await open(path, 'r')
    await handle.sync()
  } catch (error) {
    // Windows has no way to sync a folder; a folder that is not there has no names to keep.
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!['ENOENT', 'EISDIR', 'EPERM', 'EACCES'].includes(code)) throw error
  }
}
