/** Begins with a capital, which is rare in FHIR JSON: a scan for it runs at the speed of memory. */
const NEEDLE = Buffer.from('Binary')
const QUOTE = 0x22
const COLON = 0x3a
const SPACE = 0x20
const LONGEST_ID = 64
/** From `"Binary` on: the slash may be written as `\/`. */
const REFERENCE =
  /^"Binary\\?\/([A-Za-z0-9\-.]{1,64})(?:\\?\/_history\\?\/([A-Za-z0-9\-.]{1,64}))?"/
const LONGEST_REFERENCE = '"Binary\\/\\/_history\\/"'.length + 2 * LONGEST_ID
const URL_KEY = Buffer.from('"url"')

/**
 * Makes the URLs of attachments that lead to a Binary of this server absolute: what a resource may
 * refer to by `Binary/1`, the reader of a file could not find (SHALL be absolute). Nothing else
 * changes; text without such URLs is given back as it is.
 *
 * Whether `url` is that of an attachment need not be known: the `url` of an extension is never of this
 * form. Only a Bundle's requests are, and Bundles have to be left out by the caller.
 *
 * @param bytes - JSON in UTF-8, of any number of resources.
 * @param fhirBaseUrl - Without a slash at its end.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#attachments | Bulk Data: Attachments}
 */
export function absoluteAttachmentUrls(bytes: Uint8Array, fhirBaseUrl: string): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const base = Buffer.from(`${JSON.stringify(fhirBaseUrl).slice(1, -1)}/`)
  const pieces: Uint8Array[] = []
  let copied = 0
  for (let at = text.indexOf(NEEDLE); at !== -1; at = text.indexOf(NEEDLE, at + 1)) {
    if (!isAttachmentUrl(text, at)) continue
    pieces.push(text.subarray(copied, at), base)
    copied = at
  }
  if (copied === 0) return bytes
  pieces.push(text.subarray(copied))
  return Buffer.concat(pieces)
}

function isAttachmentUrl(text: Buffer, at: number): boolean {
  const start = at - 1
  if (text[start] !== QUOTE || !isValueOfUrl(text, start)) return false
  return REFERENCE.test(text.toString('latin1', start, start + LONGEST_REFERENCE))
}

/** Looks back from a value's opening quote; within a string a quote has a backslash before it. */
function isValueOfUrl(text: Buffer, start: number): boolean {
  const colon = beforeBlanks(text, start)
  if (text[colon] !== COLON) return false
  const keyEnd = beforeBlanks(text, colon) + 1
  return text.subarray(Math.max(0, keyEnd - URL_KEY.length), keyEnd).equals(URL_KEY)
}

/** Offset of the last byte before `end` that is not white space. */
function beforeBlanks(text: Buffer, end: number): number {
  let at = end - 1
  while (at >= 0 && (text[at] ?? SPACE) <= SPACE) at -= 1
  return at
}
