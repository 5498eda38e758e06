import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { join, resolve, dirname } from 'node:path'
import { MAX_LINE_BYTES, readLink, sha256, type AuditAnchor } from './audit-chain.ts'
import type { LogRecovered } from './audit-event.ts'
import { AuditLogDamagedError } from './errors.ts'
import { syncDirectory } from '../directories.ts'

const NAME = /^audit-(\d{4}-\d{2}-\d{2})-(\d{4,})\.ndjson$/
const UNFINISHED_SUFFIX = '.part'
const LINE_FEED = 0x0a
/** Only the server's own account may read who asked for what. */
const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600

/** The name of a file of the log, and what it says. */
export interface AuditFileName {
  readonly name: string
  /** UTC, as `2030-12-31`. */
  readonly date: string
  /** 1 for the first file of a day. */
  readonly number: number
}

/** Where the log ends. */
export interface AuditTail {
  readonly file: AuditFileName
  /** Of the newest file, a half-written line included. */
  readonly bytes: number
  /** The last whole event. */
  readonly anchor: AuditAnchor
  /** What a crash has left of a line. */
  readonly torn?: Omit<LogRecovered, 'name'>
}

/** The files of a log in the order in which they were written. */
export async function listAuditFiles(directory: string): Promise<readonly AuditFileName[]> {
  const files: AuditFileName[] = []
  for (const name of await readdir(directory)) {
    const [, date, number] = NAME.exec(name) ?? []
    if (date !== undefined) files.push({ name, date, number: Number(number) })
  }
  return files.sort((one, other) => compareText(one.date, other.date) || one.number - other.number)
}

function compareText(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}

/** Names the file after `last`. A clock that was set back does not change the order of files. */
export function nextAuditFile(now: Date, last: AuditFileName | undefined): AuditFileName {
  const today = now.toISOString().slice(0, 'yyyy-mm-dd'.length)
  const isNewDay = last === undefined || today > last.date
  const date = isNewDay ? today : last.date
  const number = isNewDay ? 1 : last.number + 1
  return { name: `audit-${date}-${String(number).padStart(4, '0')}.ndjson`, date, number }
}

/**
 * Reads the end of the log.
 *
 * @throws AuditLogDamagedError when the last whole line is not what was written.
 */
export async function readAuditTail(directory: string, file: AuditFileName): Promise<AuditTail> {
  const handle = await open(join(directory, file.name), 'r')
  try {
    const { size } = await handle.stat()
    // The last whole line, the line feed before it, and a half-written line.
    const wanted = Math.min(size, 2 * MAX_LINE_BYTES + 2)
    const end = await readAt(handle, size - wanted, wanted)
    const lineEnd = end.lastIndexOf(LINE_FEED)
    const lineStart = lineEnd < 1 ? 0 : end.lastIndexOf(LINE_FEED, lineEnd - 1) + 1
    if (lineEnd === -1 || (lineStart === 0 && wanted < size)) throw new AuditLogDamagedError()
    const link = readLink(end.subarray(lineStart, lineEnd))
    if (typeof link === 'string') throw new AuditLogDamagedError()
    const tail = { file, bytes: size, anchor: link.event }
    const rest = end.subarray(lineEnd + 1)
    if (rest.length === 0) return tail
    return { ...tail, torn: { file: file.name, bytes: rest.length, sha256: sha256(rest) } }
  } finally {
    await handle.close()
  }
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const memory = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(memory, filled, length - filled, offset + filled)
    if (bytesRead === 0) throw new AuditLogDamagedError()
    filled += bytesRead
  }
  return memory
}

/** Makes a file with its first lines, durably and at once: no file is ever empty. */
export async function createAuditFile(
  directory: string,
  { name }: AuditFileName,
  content: Uint8Array,
): Promise<void> {
  const temporaryPath = join(directory, `${name}.${randomUUID()}${UNFINISHED_SUFFIX}`)
  try {
    const handle = await open(temporaryPath, 'wx', FILE_MODE)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporaryPath, join(directory, name))
  } catch (error) {
    await rm(temporaryPath, { force: true })
    throw error
  }
  await syncDirectory(directory)
}

/** Removes what a crash has left of files that were being made. Only while the lock is held. */
export async function removeUnfinishedFiles(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith('audit-') && name.endsWith(UNFINISHED_SUFFIX)) {
      await rm(join(directory, name), { force: true })
    }
  }
}

/** Makes the directory of a log, durably, if it is not there. */
export async function makeAuditDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE })
  if (first === undefined) return
  for (let made = resolve(directory); ; made = dirname(made)) {
    await syncDirectory(dirname(made))
    if (made === resolve(first)) return
  }
}
