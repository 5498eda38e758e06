import { randomUUID } from 'node:crypto'
import { access, mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Clock } from './clock.ts'
import { ExportDirectoryRefusedError, JournalInvalidError } from './errors.ts'
import { JOURNAL_VERSION, type JournalEntry, type StoredPlan } from './journal/journal-entry.ts'
import { JournalFile, syncDirectory } from './journal/journal-file.ts'
import { JournalState } from './journal/journal-state.ts'
import { RunLock } from './journal/run-lock.ts'
import { isSamePlan } from './provider/plan.ts'

/** Folder inside an export's folder for what is ours: journal and lock. */
export const OWN_FOLDER = '.flatfhir'

/**
 * The folder of one export: held against other processes, with its journal and what it says.
 *
 * A folder with anything in it that is not this very export is refused: a run never mixes its files
 * with those of another, and never overwrites.
 */
export class RunFolder implements AsyncDisposable {
  readonly path: string
  readonly state: JournalState
  readonly #lock: RunLock
  readonly #journal: JournalFile
  readonly #clock: Clock

  private constructor(
    { path, lock, clock }: { path: string; lock: RunLock; clock: Clock },
    journal: JournalFile,
  ) {
    this.path = path
    this.#lock = lock
    this.#clock = clock
    this.#journal = journal
    this.state = new JournalState()
    for (const entry of journal.entries) this.state.apply(entry)
  }

  /**
   * Takes hold of a folder.
   *
   * @param plan - What is to be exported; `undefined` for whatever is there.
   * @throws {@link ExportDirectoryRefusedError}; {@link JournalInvalidError}
   */
  static async open(
    directory: string,
    plan: StoredPlan | undefined,
    clock: Clock,
  ): Promise<RunFolder> {
    const path = resolve(directory)
    try {
      await checkContent(path, plan !== undefined)
      const lock = await RunLock.take(join(path, OWN_FOLDER, 'lock'))
      if (lock === undefined) throw new ExportDirectoryRefusedError('in-use', path)
      try {
        const journal = await JournalFile.open(join(path, OWN_FOLDER, 'journal.ndjson'))
        try {
          const folder = new RunFolder({ path, lock, clock }, journal)
          await folder.#check(plan)
          return folder
        } catch (error) {
          await journal[Symbol.asyncDispose]()
          throw error
        }
      } catch (error) {
        await lock[Symbol.asyncDispose]()
        throw error
      }
    } catch (error) {
      if (error instanceof ExportDirectoryRefusedError || error instanceof JournalInvalidError) {
        throw error
      }
      throw new ExportDirectoryRefusedError('not-writable', path, error)
    }
  }

  /** Makes an entry durable, and believes it. */
  async record(entry: JournalEntry): Promise<void> {
    await this.#journal.append(entry)
    this.state.apply(entry)
  }

  now(): string {
    return this.#clock.now().toISOString()
  }

  /** Makes the names of all files durable. */
  async sync(): Promise<void> {
    const folders = ['deleted', 'error', 'quarantine', 'attachments', '.']
    for (const folder of folders) await syncDirectory(join(this.path, folder))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal[Symbol.asyncDispose]()
    await this.#lock[Symbol.asyncDispose]()
  }

  async #check(plan: StoredPlan | undefined): Promise<void> {
    const { version } =
      (this.#journal.entries.find(({ type }) => type === 'run') as
        { version?: number } | undefined) ?? {}
    if (version !== undefined && version > JOURNAL_VERSION) {
      throw new JournalInvalidError('too-new', this.path)
    }
    if (this.state.plan === undefined || (plan !== undefined && !this.state.hasBegun)) {
      if (plan === undefined) throw new JournalInvalidError('missing', this.path)
      const exportId = randomUUID()
      await this.record({ type: 'run', version: JOURNAL_VERSION, exportId, at: this.now(), plan })
    } else if (plan !== undefined && !isSamePlan(plan, this.state.plan)) {
      throw new ExportDirectoryRefusedError('other-export', this.path)
    }
    await this.record({ type: 'session', at: this.now() })
  }
}

async function checkContent(path: string, mayBegin: boolean): Promise<void> {
  const isOurs = await access(join(path, OWN_FOLDER)).then(
    () => true,
    () => false,
  )
  if (isOurs) return
  if (!mayBegin) throw new JournalInvalidError('missing', path)
  await mkdir(path, { recursive: true })
  if ((await readdir(path)).length > 0) throw new ExportDirectoryRefusedError('not-empty', path)
}
