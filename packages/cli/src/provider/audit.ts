import { join } from 'node:path'
import { FileAuditLog, type AuditLog } from '@flatfhir/server'
import { SqliteFileLock } from '@flatfhir/store-sqlite'
import { dataDirectory } from './data-directory.ts'

/** The lock of an audit log, which lies beside its files. */
export function auditLockPath(directory: string): string {
  return join(directory, 'audit.lock')
}

/**
 * Opens the audit log in a directory of its own, which is made where it is missing. Other processes
 * may write to the same log.
 *
 * @throws `AuditLogDamagedError`, `AuditLogFailedError`
 */
export async function openAuditLog(directory: string): Promise<AuditLog> {
  return FileAuditLog.open({
    directory,
    lock: await SqliteFileLock.open(auditLockPath(directory)),
  })
}

/** Opens the audit log of a data directory for a while. */
export async function withAuditLog<T>(
  data: string,
  work: (log: AuditLog) => Promise<T>,
): Promise<T> {
  await using log = await openAuditLog(dataDirectory(data).audit)
  return await work(log)
}
