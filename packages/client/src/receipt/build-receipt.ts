import type { DownloadResult } from '../download/download-file.ts'
import type { ExportReport } from '../export-report.ts'
import type { JournalState } from '../journal/journal-state.ts'
import { withoutQuery } from '../printable.ts'
import type { ProviderProfile } from '../profiles/provider-profile.ts'
import { describeParameters } from '../provider/encode-parameters.ts'
import type { ExportSettings } from '../settings.ts'
import {
  type Receipt,
  RECEIPT_VERSION,
  type ReceiptAttachments,
  type ReceiptFile,
  type UnresolvedReferences,
} from './receipt.ts'

/** Everything that a receipt is made of. */
export interface ReceiptParts {
  readonly state: JournalState
  readonly settings: ExportSettings
  readonly profile: ProviderProfile
  readonly report: Omit<ExportReport, 'receipt'>
  readonly results: readonly DownloadResult[]
  readonly pages: number
  readonly finishedAt: string
  readonly packedInto: (path: string) => readonly string[] | undefined
  readonly unresolvedReferences: readonly UnresolvedReferences[] | undefined
  readonly attachments: ReceiptAttachments | undefined
}

/** Makes the receipt of a collected export. */
export function buildReceipt(parts: ReceiptParts): Receipt {
  const { state, report, finishedAt, pages, unresolvedReferences, attachments } = parts
  const files = parts.report.files.map((file) => receiptFile(file, parts))
  return {
    receiptVersion: RECEIPT_VERSION,
    exportId: state.exportId ?? '',
    verdict: report.verdict,
    request: requestOf(parts),
    server: serverOf(parts),
    times: {
      startedAt: state.startedAt ?? finishedAt,
      ...(state.kickOffAt !== undefined && { kickOffAcceptedAt: state.kickOffAt }),
      ...(state.manifestAt !== undefined && { manifestAt: state.manifestAt }),
      finishedAt,
      sessions: state.sessions,
    },
    transactionTime: report.transactionTime.toISOString(),
    statusUrl: withoutQuery(report.statusUrl),
    manifestPages: pages,
    deletedAtProvider: report.deleted,
    totals: {
      files: files.length,
      filesComplete: files.filter((file) => file.state === 'complete').length,
      resources: report.resources,
      deletions: report.deletions,
      bytes: report.bytes,
      transferredBytes: report.transferredBytes,
      quarantinedLines: files.reduce((sum, file) => sum + file.quarantinedLines, 0),
    },
    files,
    problems: report.problems,
    outcomes: report.outcomes,
    ...(unresolvedReferences !== undefined && { unresolvedReferences }),
    ...(attachments !== undefined && { attachments }),
  }
}

function requestOf({ settings, state }: ReceiptParts): Receipt['request'] {
  const { baseUrl, level, groupId, parameters } = settings
  return {
    url: baseUrl.href,
    level,
    ...(groupId !== undefined && { groupId }),
    method: state.provider?.method ?? 'GET',
    edition: state.provider?.edition ?? 'stu2',
    parameters: describeParameters(parameters, { patients: 'count' }),
  }
}

function serverOf({ state, profile }: ReceiptParts): Receipt['server'] {
  const { softwareName, softwareVersion, fhirVersion } = state.provider ?? {}
  return {
    ...(softwareName !== undefined && { softwareName }),
    ...(softwareVersion !== undefined && { softwareVersion }),
    ...(fhirVersion !== undefined && { fhirVersion }),
    profile: profile.id,
    knownGaps: profile.knownGaps,
  }
}

function receiptFile(
  file: ExportReport['files'][number],
  { packedInto }: ReceiptParts,
): ReceiptFile {
  const { key, kind, type, path, url, state, expected, received } = file
  const packed = packedInto(path)
  return {
    ...{ key, kind, type, path, url: withoutQuery(url), state, expected, received },
    ...(packed !== undefined && { packedInto: packed }),
    transferredBytes: file.transferredBytes,
    attempts: file.attempts,
    quarantinedLines: file.quarantinedLines,
  }
}
