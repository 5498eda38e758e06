import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { acceptsGzip, parseByteRange } from '@flatfhir/protocol'
import type { FastifyRequest } from 'fastify'
import type { BytesReservation } from '../access/daily-bytes.ts'
import { mayDownload } from '../access/export-rights.ts'
import type { OutputFile } from '../job-store.ts'
import type { ByteRange, OutputFileKey } from '../output-file-store.ts'
import { insufficientScope } from './access-refusals.ts'
import { outcomeAnswer, type Answer } from './answer.ts'
import { ifMatchNames, ifNoneMatchNames, ifRangeAdmits, strongEntityTag } from './entity-tags.ts'
import { notFound, type RequestRefusedError } from './request-refused-error.ts'
import { headerOf, segmentOf } from './request-parts.ts'
import type { HttpContext, Route } from './route.ts'
import { isRandomId, OUTPUT_FILE_PATH } from './urls.ts'

/** With zlib's default of 16 KiB, decompression runs at a third of the speed. */
const GUNZIP_CHUNK_BYTES = 256 * 1024

/**
 * Output file requests.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-output-file-request | Bulk Data: Output File Request}
 */
export function outputFileRoutes(context: HttpContext): readonly Route[] {
  const handler = (request: FastifyRequest): Promise<Answer> => outputFile(context, request)
  return [{ path: OUTPUT_FILE_PATH, methods: { GET: handler, HEAD: handler } }]
}

/** One of the forms that a file can be sent in. */
interface Representation {
  readonly coding: 'identity' | 'gzip'
  /** The stored bytes are not the representation's; they have to be decompressed. */
  readonly decompresses: boolean
  readonly bytes: number
  readonly sha256: string
}

async function outputFile(context: HttpContext, request: FastifyRequest): Promise<Answer> {
  const { key, file } = await ownFile(context, request)
  const representation = chooseRepresentation(file, headerOf(request, 'accept-encoding'))
  const conditional = preconditionAnswer(request, representation)
  if (conditional !== undefined) return conditional

  const range = requestedRange(request, representation)
  if (range === 'unsatisfiable') return rangeNotSatisfiable(representation)
  const length = range === undefined ? representation.bytes : range.end - range.start + 1
  const answer = {
    status: range === undefined ? 200 : 206,
    headers: {
      ...representationHeaders(representation),
      'content-length': String(length),
      ...(range !== undefined && { 'content-range': contentRange(range, representation.bytes) }),
    },
  }
  if (request.method === 'HEAD') return answer
  const { client } = context.access.requesterOf(request)
  const reservation = context.limiter.reserveBytes(client, length)
  const served = { key, file, range, length }
  try {
    const body = await openRepresentation(context, key, { representation, range })
    return { ...answer, body, onSent: whenSent(context, request, { ...served, reservation }) }
  } catch (error) {
    reservation.settle(0)
    throw error
  }
}

interface Served {
  readonly key: OutputFileKey
  readonly file: OutputFile
  readonly range: ByteRange | undefined
  readonly length: number
  readonly reservation: BytesReservation
}

/** Counts what was sent, and writes it down. */
function whenSent(
  { access, audit }: HttpContext,
  request: FastifyRequest,
  { key, file, range, length, reservation }: Served,
): (bytes: number) => void {
  const { kind, type, resourceCount } = file
  const actor = access.actorOf(request)
  return (bytes) => {
    reservation.settle(bytes)
    const complete = bytes === length
    const record = { ...key, kind, type, resourceCount, range, bytes, complete }
    void audit.note({ name: 'file-served', ...actor, ...record })
  }
}

/**
 * @throws RequestRefusedError with 404 for what does not exist or belongs to another client, and
 *   with 403 for the client's own file when the token's scopes do not cover it.
 */
async function ownFile(
  context: HttpContext,
  request: FastifyRequest,
): Promise<{ key: OutputFileKey; file: OutputFile }> {
  const key = { jobId: segmentOf(request, 'jobId'), fileId: segmentOf(request, 'fileId') }
  if (!isRandomId(key.jobId) || !isRandomId(key.fileId)) throw unknownFile()
  const { access } = context
  const found = await context.jobs.findFile(key)
  if (found === undefined) throw unknownFile()
  const { job, file } = found
  const attempt = { attempted: 'file', ...key } as const
  if (!access.owns(request, job)) {
    throw await access.refuse(request, { ...attempt, reason: 'not-owner' }, unknownFile())
  }
  if (mayDownload(access.requesterOf(request).rights, job.query, file)) return { key, file }
  throw await access.refuse(
    request,
    { ...attempt, reason: 'insufficient-scope' },
    insufficientScope('this file'),
  )
}

function chooseRepresentation(
  file: OutputFile,
  acceptEncoding: string | undefined,
): Representation {
  if (file.storedEncoding === 'gzip' && acceptsGzip(acceptEncoding)) {
    const { storedBytes: bytes, storedSha256: sha256 } = file
    return { coding: 'gzip', decompresses: false, bytes, sha256 }
  }
  const { bytes, sha256 } = file
  return { coding: 'identity', decompresses: file.storedEncoding === 'gzip', bytes, sha256 }
}

function representationHeaders({ coding, sha256 }: Representation): Record<string, string> {
  return {
    'content-type': 'application/fhir+ndjson',
    ...(coding === 'gzip' && { 'content-encoding': 'gzip' }),
    // RFC 9530: the digest of the whole representation, content coding included.
    'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    'accept-ranges': 'bytes',
    ...validatorHeaders(sha256),
  }
}

/** What an answer without the representation says of it. */
function validatorHeaders(sha256: string): Record<string, string> {
  return {
    etag: strongEntityTag(sha256),
    'cache-control': 'private, no-store',
    vary: 'Accept-Encoding',
  }
}

/** `If-Match` and `If-None-Match`, in the order of RFC 9110 section 13.2.2. */
function preconditionAnswer(
  request: FastifyRequest,
  { sha256 }: Representation,
): Answer | undefined {
  const entityTag = strongEntityTag(sha256)
  const ifMatch = headerOf(request, 'if-match')
  if (ifMatch !== undefined && !ifMatchNames(ifMatch, entityTag)) {
    const diagnostics = 'The file is not the one that If-Match names'
    const issue = { severity: 'error', code: 'conflict', diagnostics } as const
    return outcomeAnswer(412, issue, validatorHeaders(sha256))
  }
  const ifNoneMatch = headerOf(request, 'if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatchNames(ifNoneMatch, entityTag)) {
    return { status: 304, headers: validatorHeaders(sha256) }
  }
  return undefined
}

/** `Range` means something for GET only (RFC 9110 section 14.2), and only while `If-Range` holds. */
function requestedRange(
  request: FastifyRequest,
  { bytes, sha256 }: Representation,
): ByteRange | 'unsatisfiable' | undefined {
  const header = headerOf(request, 'range')
  if (header === undefined || request.method !== 'GET') return undefined
  const ifRange = headerOf(request, 'if-range')
  if (ifRange !== undefined && !ifRangeAdmits(ifRange, strongEntityTag(sha256))) return undefined
  const range = parseByteRange(header, bytes)
  return range === 'ignore' ? undefined : range
}

function contentRange({ start, end }: ByteRange, bytes: number): string {
  return `bytes ${start}-${end}/${bytes}`
}

function rangeNotSatisfiable({ bytes }: Representation): Answer {
  const diagnostics = `The file has ${bytes} bytes in the encoding that is sent`
  const issue = { severity: 'error', code: 'value', diagnostics } as const
  return outcomeAnswer(416, issue, {
    'content-range': `bytes */${bytes}`,
    vary: 'Accept-Encoding',
  })
}

async function openRepresentation(
  { jobs }: HttpContext,
  key: OutputFileKey,
  wanted: { representation: Representation; range: ByteRange | undefined },
): Promise<Readable> {
  const { representation, range } = wanted
  const stored = await jobs.openFile(key, representation.decompresses ? undefined : range)
  // Deleted between being found and being opened.
  if (stored === undefined) throw unknownFile()
  if (!representation.decompresses) return stored
  const gunzip = createGunzip({ chunkSize: GUNZIP_CHUNK_BYTES })
  // Errors, and the end of interest, travel along the pipeline; whoever reads the last stream of it
  // sees them.
  const ndjson = pipeline(stored, gunzip, () => undefined)
  return range === undefined ? ndjson : Readable.from(sliceOf(ndjson, range), { objectMode: false })
}

/** Stops reading as soon as it has the last byte of the range. */
async function* sliceOf(
  chunks: AsyncIterable<Buffer>,
  { start, end }: ByteRange,
): AsyncGenerator<Buffer, void, void> {
  let offset = 0
  for await (const chunk of chunks) {
    const piece = chunk.subarray(Math.max(0, start - offset), Math.max(0, end + 1 - offset))
    if (piece.length > 0) yield piece
    offset += chunk.length
    if (offset > end) return
  }
}

function unknownFile(): RequestRefusedError {
  return notFound('There is no such file: it never existed, was deleted, or has expired')
}
