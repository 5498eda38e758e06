import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { sendAnswer } from './send-answer.ts'
import type { FileBehaviour, ScriptedFile } from './provider-script.ts'

/** Answers one request for a file. */
export function sendFile(
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  file: ScriptedFile,
  behaviour: FileBehaviour,
): void {
  if (behaviour.answer !== undefined) {
    sendAnswer(response, behaviour.answer)
    return
  }
  const accepted = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
  const coding = behaviour.coding ?? (accepted ? 'gzip' : 'identity')
  const plain = Buffer.from(behaviour.content ?? file.content)
  const encoded = coding === 'gzip' ? gzipSync(plain) : plain
  const whole = behaviour.rawContent === undefined ? encoded : Buffer.from(behaviour.rawContent)
  const etag = behaviour.etag === undefined ? etagOf(whole) : behaviour.etag
  const start = rangeStart(request, behaviour, etag)
  const body = whole.subarray(start ?? 0)

  response.statusCode = start === undefined ? 200 : 206
  response.setHeader('content-type', 'application/fhir+ndjson')
  response.setHeader('vary', 'accept-encoding')
  if (coding === 'gzip') response.setHeader('content-encoding', 'gzip')
  if (etag !== null) response.setHeader('etag', etag)
  if (start !== undefined) {
    const shown = behaviour.wrongRangeStart ?? start
    response.setHeader('content-range', `bytes ${shown}-${whole.length - 1}/${whole.length}`)
  }
  for (const [name, value] of Object.entries(behaviour.headers ?? {})) {
    response.setHeader(name, value)
  }
  frame(response, body.length, behaviour.framing ?? 'length')
  sendBody(response, body, behaviour)
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`
}

/** @returns `undefined` for the whole file. */
function rangeStart(
  request: IncomingMessage,
  behaviour: FileBehaviour,
  etag: string | null,
): number | undefined {
  if (behaviour.wrongRangeStart !== undefined) return 0
  if (behaviour.ignoreRange === true) return undefined
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  const ifRange = request.headers['if-range']
  if (match === null || (ifRange !== undefined && ifRange !== etag)) return undefined
  return Number(match[1])
}

function frame(
  response: ServerResponse,
  bytes: number,
  framing: 'length' | 'chunked' | 'close',
): void {
  if (framing === 'length') response.setHeader('content-length', bytes)
  if (framing === 'close') {
    response.setHeader('connection', 'close')
    response.useChunkedEncodingByDefault = false
  }
}

function sendBody(
  response: ServerResponse,
  body: Uint8Array,
  { cutAfterBytes, afterCut = 'close', pace }: FileBehaviour,
): void {
  if (pace !== undefined) {
    void sendSlowly(response, body.subarray(0, cutAfterBytes), pace)
    return
  }
  if (cutAfterBytes === undefined) {
    response.end(body)
    return
  }
  const afterwards = (): void => {
    if (afterCut === 'close') response.socket?.end()
  }
  response.flushHeaders()
  const part = body.subarray(0, cutAfterBytes)
  if (part.length === 0) setImmediate(afterwards)
  else response.write(part, afterwards)
}

async function sendSlowly(
  response: ServerResponse,
  body: Uint8Array,
  { bytes, pauseMs }: { readonly bytes: number; readonly pauseMs: number },
): Promise<void> {
  for (let at = 0; at < body.length && !response.destroyed; at += bytes) {
    response.write(body.subarray(at, at + bytes))
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  response.end()
}
