import { decodeManifest, formatInstant } from '@flatfhir/protocol'
import type { StoredManifest } from '../journal/journal-entry.ts'

/**
 * Reads a page of a manifest, also one whose files are organised by the resources of one type: its
 * output files have no type of their own.
 *
 * @throws `ManifestInvalidError`
 */
export function decodePage(json: unknown): StoredManifest {
  const organizedBy = organizerOf(json)
  const decoded = decodeManifest(
    organizedBy === undefined ? json : withTypes(json as JsonRecord, organizedBy),
  )
  const { transactionTime, requiresAccessToken, output, deleted, outcome, next } = decoded
  return {
    transactionTime: formatInstant(transactionTime),
    requiresAccessToken,
    output,
    deleted,
    outcome,
    ...(next !== undefined && { next }),
    ...(organizedBy !== undefined && { organizedBy }),
  }
}

type JsonRecord = Readonly<Record<string, unknown>>

function organizerOf(json: unknown): string | undefined {
  if (!isRecord(json)) return undefined
  const type = json['outputOrganizedBy']
  return typeof type === 'string' && type !== '' ? type : undefined
}

function withTypes(json: JsonRecord, type: string): JsonRecord {
  const output = json['output']
  if (!Array.isArray(output)) return json
  return {
    ...json,
    output: output.map((item: unknown) => (isRecord(item) ? { ...item, type } : item)),
  }
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
