import type { AuditEvent } from 'fhir/r4.js'
import { FileAuditLog, type AuditRecord, type FileAuditLogOptions } from '@flatfhir/server'
import { SqliteFileLock } from '@flatfhir/store-sqlite'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory that removes itself. */
export async function newDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'flatfhir-audit-'))
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** A log as the server opens it. */
export async function openLog(
  directory: string,
  options: Partial<FileAuditLogOptions> = {},
): Promise<FileAuditLog> {
  const lock = await SqliteFileLock.open(join(directory, 'audit.lock'))
  return FileAuditLog.open({ directory, lock, ...options })
}

/** Opens a log, writes records one after the other, and closes it. */
export async function writeRecords(
  directory: string,
  records: readonly AuditRecord[],
  options: Partial<FileAuditLogOptions> = {},
): Promise<void> {
  await using log = await openLog(directory, options)
  for (const record of records) await log.record(record)
}

/** Records that can be told apart. */
export function jobsDeleted(count: number, from = 0): readonly AuditRecord[] {
  return Array.from({ length: count }, (_, n) => {
    const jobId = (n + from).toString(16).padStart(32, '0')
    return { name: 'job-deleted', jobId, clientId: 'client', cause: 'requested' }
  })
}

/** Names of the files of a log, in order. */
export async function logFiles(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.ndjson')).sort()
}

/** Everything that a log holds, in order. */
export async function logText(directory: string): Promise<string> {
  const files = await logFiles(directory)
  const texts = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')))
  return texts.join('')
}

/** The events of a log, in order. */
export async function events(directory: string): Promise<readonly AuditEvent[]> {
  const lines = (await logText(directory)).trimEnd().split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AuditEvent)
}
