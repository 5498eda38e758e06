import { existsSync } from 'node:fs'
import {
  verifyAuditLog,
  type AuditFault,
  type AuditFaultKind,
  type AuditVerification,
  type VerifyAuditLogOptions,
} from '@flatfhir/server'
import { SqliteFileLock } from '@flatfhir/store-sqlite'
import { UsageError } from '../../errors.ts'
import { EXIT_COMPLETE, EXIT_INCOMPLETE } from '../../exit-codes.ts'
import { isDirectory } from '../../files/is-directory.ts'
import { formatQuantity } from '../../output/format-number.ts'
import { auditLockPath } from '../../provider/audit.ts'
import { dataDirectory } from '../../provider/data-directory.ts'
import type { CommandContext } from '../command.ts'
import { formatAnchor, type AuditVerifyOptions } from './verify-command.ts'

/** Runs `flatfhir audit verify`. @returns the exit code. */
export async function runAuditVerify(
  { data, anchor, start }: AuditVerifyOptions,
  context: CommandContext,
): Promise<number> {
  const { audit } = dataDirectory(data)
  if (!(await isDirectory(audit))) {
    throw new UsageError(`${data}: there is no audit log in it`, 'Check --data.')
  }
  const verification = await verifyLocked(audit, {
    ...(anchor === undefined ? {} : { anchor }),
    ...(start === undefined ? {} : { start }),
  })
  if (context.options.json) context.print(JSON.stringify(verification))
  else for (const line of verificationLines(verification)) context.print(line)
  return verification.ok ? EXIT_COMPLETE : EXIT_INCOMPLETE
}

/** A copy of a log in an archive has no lock, and needs none. */
async function verifyLocked(
  directory: string,
  options: VerifyAuditLogOptions,
): Promise<AuditVerification> {
  const path = auditLockPath(directory)
  if (!existsSync(path)) return verifyAuditLog(directory, options)
  await using lock = await SqliteFileLock.open(path)
  return await verifyAuditLog(directory, { ...options, lock })
}

function verificationLines(verification: AuditVerification): readonly string[] {
  if (!verification.ok) return [faultLine(verification.fault)]
  const { events, files, head } = verification
  const extent = `${formatQuantity(events, 'event')} in ${formatQuantity(files, 'file')}`
  return [
    `ok: ${extent}, all as they were written`,
    ...(head === undefined ? [] : [`newest event: ${formatAnchor(head)}`]),
  ]
}

function faultLine({ kind, file, line }: AuditFault): string {
  const place = [file, line === 0 ? '' : String(line)].filter((part) => part !== '').join(':')
  return `fault: ${place === '' ? '' : `${place}: `}${FAULTS[kind]} (${kind})`
}

const FAULTS: Readonly<Record<AuditFaultKind, string>> = {
  'malformed-line': 'this is no event of an audit log',
  'changed-line': 'this event is not what was written',
  'broken-chain': 'this event does not follow the one before: some were removed, put in or moved',
  'torn-line': 'this event was not written to its end',
  'empty-file': 'the file is empty',
  'unexpected-file': 'this file does not belong here',
  'anchor-missing': 'the log ends before the event that was there: its end was cut off',
  'anchor-differs': 'the event that was there is another one now',
}
