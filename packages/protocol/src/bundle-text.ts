import { ResourceInvalidError } from './errors.ts'
import { elementSpans, memberSpans, skipBlanks, visitStringValues } from './json-spans.ts'

/** One entry of a Bundle: its resource as text, and how it wants to be written. */
export interface BundleEntryText {
  readonly fullUrl: string | undefined
  /** The resource's bytes within the Bundle's, untouched; absent for entries without one. */
  readonly resource: Uint8Array | undefined
  readonly request: BundleRequest | undefined
}

/** `Bundle.entry.request`, as far as a store acts upon it. */
export interface BundleRequest {
  readonly method: string
  readonly url: string
  readonly ifMatch?: string
  readonly ifNoneExist?: string
}

/** A Bundle, cut into its entries. */
export interface BundleText {
  /** `Bundle.type`, for example `transaction`. */
  readonly type: string
  readonly entries: readonly BundleEntryText[]
}

/** Elements of R4 whose value is a link, which a transaction's `urn:uuid:` may stand in. */
const LINK_KEYS = new Set(['reference', 'url', 'uri', 'valueUri', 'valueUrl', 'valueCanonical'])

const ENCODER = new TextEncoder()
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Cuts a Bundle's text into the texts of its resources.
 *
 * @throws {@link ResourceInvalidError} when the text is not a Bundle; the message never quotes it.
 * @see {@link https://hl7.org/fhir/R4/bundle.html | FHIR R4: Bundle}
 */
export function readBundleText(bytes: Uint8Array): BundleText {
  const bundle = parseBundle(bytes)
  const spans = memberSpans(bytes, skipBlanks(bytes, 0))
  const entrySpan = spans.findLast((member) => member.key === 'entry')
  const parsed = bundle['entry'] ?? []
  if (!Array.isArray(parsed)) throw notABundle('Bundle.entry is not an array')
  const elements = entrySpan === undefined ? [] : elementSpans(bytes, entrySpan.valueStart)
  const entries = elements.map(({ start }, index) => readEntry(bytes, start, parsed[index]))
  return { type: typeof bundle['type'] === 'string' ? bundle['type'] : '', entries }
}

/**
 * Replaces links to other entries of the same Bundle.
 *
 * @param bytes - A resource's text.
 * @param links - From `fullUrl` to `Type/id`.
 * @returns `bytes` itself when there was nothing to replace.
 * @see {@link https://hl7.org/fhir/R4/http.html#trules | FHIR R4: Transaction Processing Rules}
 */
export function rewriteLinks(bytes: Uint8Array, links: ReadonlyMap<string, string>): Uint8Array {
  if (links.size === 0) return bytes
  const pieces: Uint8Array[] = []
  let copied = 0
  visitStringValues(bytes, skipBlanks(bytes, 0), (key, start, end) => {
    if (key === undefined || !LINK_KEYS.has(key)) return
    const target = links.get(JSON.parse(STRICT_UTF8.decode(bytes.subarray(start, end))) as string)
    if (target === undefined) return
    pieces.push(bytes.subarray(copied, start), ENCODER.encode(JSON.stringify(target)))
    copied = end
  })
  if (copied === 0) return bytes
  return Buffer.concat([...pieces, bytes.subarray(copied)])
}

function readEntry(bytes: Uint8Array, start: number, parsed: unknown): BundleEntryText {
  if (!isObject(parsed)) throw notABundle('an element of Bundle.entry is not a JSON object')
  const span = memberSpans(bytes, start).findLast((member) => member.key === 'resource')
  const { fullUrl, request } = parsed
  return {
    fullUrl: typeof fullUrl === 'string' ? fullUrl : undefined,
    resource: span === undefined ? undefined : bytes.subarray(span.valueStart, span.valueEnd),
    request: isObject(request) ? readRequest(request) : undefined,
  }
}

function readRequest(request: Record<string, unknown>): BundleRequest | undefined {
  const { method, url, ifMatch, ifNoneExist } = request
  if (typeof method !== 'string' || typeof url !== 'string') return undefined
  return {
    method,
    url,
    ...(typeof ifMatch === 'string' && { ifMatch }),
    ...(typeof ifNoneExist === 'string' && { ifNoneExist }),
  }
}

function parseBundle(bytes: Uint8Array): Record<string, unknown> {
  const value = parse(bytes)
  if (!isObject(value)) throw notABundle('the text is JSON, but not a JSON object')
  if (value['resourceType'] !== 'Bundle') {
    throw new ResourceInvalidError('wrong-type', 'the resource is not a Bundle')
  }
  return value
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(STRICT_UTF8.decode(bytes))
  } catch {
    throw new ResourceInvalidError('not-json', 'the text is not valid JSON in UTF-8')
  }
}

function notABundle(message: string): ResourceInvalidError {
  return new ResourceInvalidError('not-an-object', message)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
