import { ManifestInvalidError } from '../errors.ts'
import { parseInstant } from '../instant.ts'
import { isJsonObject } from '../json.ts'
import type { IssueSeverity, Manifest, ManifestExtensionValue, ManifestFile } from '../manifest.ts'
import {
  DPC_CHECKSUM_EXTENSION,
  DPC_FILE_LENGTH_EXTENSION,
  FILE_SIZE_EXTENSION,
  SHA256_EXTENSION,
} from './manifest-extensions.ts'

/** A field of the received JSON, with its place in it for messages. */
interface Field {
  readonly path: string
  readonly value: unknown
}

const SHA256 = /^[0-9a-f]{64}$/i
const DIGITS = /^\d+$/
const SEVERITIES: readonly IssueSeverity[] = ['fatal', 'error', 'warning', 'information', 'success']
/** URLs are resolved against the manifest's own by the caller; this only tells whether they can be. */
const ANY_BASE = 'https://manifest.invalid/'

/**
 * Reads a manifest of any edition, also from servers that keep to the specification loosely:
 *
 * - `output`, `deleted`, `error`, `outcome` and `link` may be missing or null;
 * - numbers may be strings of digits, booleans may be strings;
 * - a missing `requiresAccessToken` means `true` (a client sends its token only to the Data
 *   Provider's origin, whatever the manifest says);
 * - files of `deleted` and `outcome` need no type, nor do those of an organised output;
 * - `error` and `outcome` may both be there;
 * - sizes and digests are found in `fileSize`, in flatfhir's extensions and in those of CMS's DPC.
 *
 * URLs are kept as they are, relative ones included. What else the manifest holds is left out, but for
 * its own extensions with a text, a number or a boolean.
 *
 * @param json - The parsed body; nothing in it is trusted.
 * @throws {@link ManifestInvalidError} naming the place of what cannot be used, as in
 *   `output[3].url`, and never quoting it.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest | Bulk Data: Output Manifest}
 */
export function decodeManifest(json: unknown): Manifest {
  if (!isJsonObject(json)) throw new ManifestInvalidError('The manifest is not a JSON object')
  const field = (name: string): Field => ({ path: name, value: json[name] })
  const request = optional(field('request'), decodeText)
  const next = decodeNext(field('link'))
  const outputOrganizedBy = textIn(json['outputOrganizedBy'])
  const detail = textIn(json['outputOrganizedByDetail'])
  const extensions = decodeExtensions(json['extension'])
  return {
    transactionTime: decodeInstant(field('transactionTime')),
    requiresAccessToken: optional(field('requiresAccessToken'), decodeBoolean) ?? true,
    ...(outputOrganizedBy !== undefined && { outputOrganizedBy }),
    ...(detail !== undefined && { outputOrganizedByDetail: detail }),
    output: listOf(field('output')).map((item) => decodeFile(item, outputOrganizedBy)),
    deleted: listOf(field('deleted')).map((item) => decodeFile(item, 'Bundle')),
    outcome: [...listOf(field('error')), ...listOf(field('outcome'))].map((item) =>
      decodeFile(item, 'OperationOutcome'),
    ),
    ...(request !== undefined && { request }),
    ...(next !== undefined && { next }),
    ...(extensions !== undefined && { extensions }),
  }
}

function decodeFile(item: Field, defaultType?: string): ManifestFile {
  const { path, value } = item
  if (!isJsonObject(value)) throw invalid(item, 'an object')
  const field = (name: string): Field => ({ path: `${path}.${name}`, value: value[name] })
  const type = optional(field('type'), decodeText) ?? defaultType
  if (type === undefined) throw invalid(field('type'), 'a resource type')
  const extensions = extensionsOf(field('extension'))
  const count = optional(field('count'), decodeCount)
  const fileSize = firstOf(
    [field('fileSize'), extensions(FILE_SIZE_EXTENSION), extensions(DPC_FILE_LENGTH_EXTENSION)],
    decodeCount,
  )
  const sha256 = firstOf(
    [extensions(SHA256_EXTENSION), sha256OfDpc(extensions(DPC_CHECKSUM_EXTENSION))],
    decodeSha256,
  )
  const continuesInFile = optional(field('continuesInFile'), decodeUrl)
  const countBySeverity = decodeSeverities(value['countSeverity'])
  return {
    type,
    url: decodeUrl(field('url')),
    ...(continuesInFile !== undefined && { continuesInFile }),
    ...(countBySeverity !== undefined && { countBySeverity }),
    ...(count !== undefined && { count }),
    ...(fileSize !== undefined && { fileSize }),
    ...(sha256 !== undefined && { sha256 }),
  }
}

/** Told for information only, so that what cannot be read is passed over. */
function decodeSeverities(value: unknown): ManifestFile['countBySeverity'] {
  if (!Array.isArray(value)) return undefined
  const counts = value
    .filter(isJsonObject)
    .flatMap(({ code, count }): [IssueSeverity, number][] => {
      const severity = SEVERITIES.find((known) => known === code)
      return severity !== undefined && isCount(count) ? [[severity, count]] : []
    })
  return counts.length === 0 ? undefined : Object.fromEntries(counts)
}

function decodeExtensions(value: unknown): Manifest['extensions'] {
  const entries: readonly (readonly [unknown, unknown])[] = isJsonObject(value)
    ? Object.entries(value)
    : Array.isArray(value)
      ? value.filter(isJsonObject).map((extension) => [extension['url'], valueOf(extension)])
      : []
  const readable = entries.filter(
    (entry): entry is readonly [string, ManifestExtensionValue] =>
      typeof entry[0] === 'string' && ['string', 'number', 'boolean'].includes(typeof entry[1]),
  )
  return readable.length === 0 ? undefined : Object.fromEntries(readable)
}

function valueOf(extension: Readonly<Record<string, unknown>>): unknown {
  const key = Object.keys(extension).find((name) => name.startsWith('value'))
  return key === undefined ? undefined : extension[key]
}

/**
 * Extensions by URL: up to STU3 the keys of an object, in STU4 FHIR extensions in an array. Others'
 * extensions may have any form, so what is not understood counts as absent.
 */
function extensionsOf({ path, value }: Field): (url: string) => Field {
  const at = (url: string, found: unknown): Field => ({ path: `${path}[${url}]`, value: found })
  if (isJsonObject(value)) return (url) => at(url, value[url])
  const items: readonly unknown[] = Array.isArray(value) ? value : []
  return (url) => {
    const extension = items.filter(isJsonObject).find((item) => item['url'] === url) ?? {}
    return at(url, valueOf(extension))
  }
}

/** Takes the digest out of `sha256:<hex>`; another algorithm's checksum counts as absent. */
function sha256OfDpc({ path, value }: Field): Field {
  const prefix = 'sha256:'
  const isSha256 = typeof value === 'string' && value.toLowerCase().startsWith(prefix)
  return { path, value: isSha256 ? value.slice(prefix.length) : undefined }
}

function decodeNext(link: Field): string | undefined {
  for (const { path, value } of listOf(link)) {
    if (isJsonObject(value) && value['relation'] === 'next') {
      return decodeUrl({ path: `${path}.url`, value: value['url'] })
    }
  }
  return undefined
}

/** The elements of an array; none where it is missing or null. */
function listOf(field: Field): readonly Field[] {
  const { path, value } = field
  if (isAbsent(value)) return []
  if (!Array.isArray(value)) throw invalid(field, 'an array')
  return value.map((item: unknown, index) => ({ path: `${path}[${index}]`, value: item }))
}

function firstOf<T>(fields: readonly Field[], decodeValue: (field: Field) => T): T | undefined {
  const present = fields.find(({ value }) => !isAbsent(value))
  return present && decodeValue(present)
}

function optional<T>(field: Field, decodeValue: (field: Field) => T): T | undefined {
  return firstOf([field], decodeValue)
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}

/** A text that is not needed: what is none counts as absent. */
function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function decodeText(field: Field): string {
  const text = textIn(field.value)
  if (text !== undefined) return text
  throw invalid(field, 'a text')
}

/** Other schemes than HTTP's (`s3:`, `file:`, `javascript:`) lead nowhere that a client may go. */
function decodeUrl(field: Field): string {
  const { value } = field
  if (typeof value === 'string' && value !== '' && URL.canParse(value, ANY_BASE)) {
    if (/^https?:$/.test(new URL(value, ANY_BASE).protocol)) return value
  }
  throw invalid(field, 'an HTTP URL')
}

function decodeInstant(field: Field): Date {
  const instant = typeof field.value === 'string' ? parseInstant(field.value) : undefined
  if (instant === undefined) throw invalid(field, 'an instant')
  return instant
}

function decodeBoolean(field: Field): boolean {
  if (field.value === true || field.value === 'true') return true
  if (field.value === false || field.value === 'false') return false
  throw invalid(field, 'a boolean')
}

function decodeCount(field: Field): number {
  const { value } = field
  const isDigits = typeof value === 'string' && DIGITS.test(value)
  const count = isDigits ? Number(value) : value
  if (isCount(count)) return count
  throw invalid(field, 'a whole number, 0 or more')
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function decodeSha256(field: Field): string {
  const { value } = field
  if (typeof value === 'string' && SHA256.test(value)) return value.toLowerCase()
  throw invalid(field, 'a SHA-256 in hexadecimal')
}

function invalid({ path }: Field, expected: string): ManifestInvalidError {
  return new ManifestInvalidError(`The manifest's ${path} is not ${expected}`, {
    nextStep: "Report this to the Data Provider's operator.",
  })
}
