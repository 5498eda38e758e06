import { createHash } from 'node:crypto'
import type { AuditEventBody } from './audit-event.ts'

/** URL of the extension that makes events links of a chain. */
export const AUDIT_CHAIN_URL = 'https://flatfhir.org/fhir/extension/audit-chain'

/** A place in the chain: an event, by its number and the digest of its line. */
export interface AuditAnchor {
  /** 1 for the first event ever. */
  readonly sequence: number
  /** Lower-case hexadecimal SHA-256 of the event's line, without the line feed. */
  readonly sha256: string
}

const NO_DIGEST = '0'.repeat(64)

/** What comes before the first event. */
export const CHAIN_START: AuditAnchor = { sequence: 0, sha256: NO_DIGEST }

/** Longest line of an audit log in bytes, without the line feed. */
export const MAX_LINE_BYTES: number = 1024 * 1024

const HEAD = `{"resourceType":"AuditEvent","extension":[{"url":"${AUDIT_CHAIN_URL}","extension":[`
const LINK =
  /^\{"url":"sequence","valuePositiveInt":([1-9]\d{0,9})\},\{"url":"previous","valueString":"([0-9a-f]{64})"\},\{"url":"digest","valueString":"([0-9a-f]{64})"\}\]\}\],/
/** More than the longest link. */
const MAX_LINK_LENGTH = 256
const AFTER_DIGEST = '"}]}],'

/** An event as a line of the log. */
export interface ChainedLine {
  /** Without the line feed. */
  readonly bytes: Buffer
  readonly anchor: AuditAnchor
}

/**
 * Makes an event the next link: it carries its number, the digest of the line before it, and a digest
 * of its own line in which the 64 digits of that same digest are zeros.
 */
export function chainLine(body: AuditEventBody, previous: AuditAnchor): ChainedLine {
  const sequence = previous.sequence + 1
  const start =
    `${HEAD}{"url":"sequence","valuePositiveInt":${sequence}},` +
    `{"url":"previous","valueString":"${previous.sha256}"},{"url":"digest","valueString":"`
  const rest = `${AFTER_DIGEST}${JSON.stringify(body).slice(1)}`
  const bytes = Buffer.from(`${start}${NO_DIGEST}${rest}`, 'utf8')
  bytes.write(sha256(bytes), start.length, 'latin1')
  return { bytes, anchor: { sequence, sha256: sha256(bytes) } }
}

/** What a line says of its place, once it is known to be unchanged. */
export interface ReadLink {
  readonly event: AuditAnchor
  /** Digest of the line before. */
  readonly previous: string
}

/** @returns why the line is none of a log, where it is not. */
export function readLink(line: Buffer): ReadLink | 'malformed-line' | 'changed-line' {
  const text = line.toString('latin1', 0, HEAD.length + MAX_LINK_LENGTH)
  const match = text.startsWith(HEAD) ? LINK.exec(text.slice(HEAD.length)) : null
  if (match === null) return 'malformed-line'
  const [link, sequence = '', previous = '', digest = ''] = match
  const digestAt = HEAD.length + link.length - AFTER_DIGEST.length - NO_DIGEST.length
  const own = createHash('sha256')
    .update(line.subarray(0, digestAt))
    .update(NO_DIGEST)
    .update(line.subarray(digestAt + NO_DIGEST.length))
  if (own.digest('hex') !== digest) return 'changed-line'
  return { event: { sequence: Number(sequence), sha256: sha256(line) }, previous }
}

/** Lower-case hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
