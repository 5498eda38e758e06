import { parseHttpDate, parseInstant } from '@flatfhir/protocol'
import { bulkData, stu1, stu3 } from '../../requirements/ids.ts'
import type { Check } from '../check.ts'
import { SkipCheck } from '../errors.ts'
import type { FinishedExport } from '../exports.ts'
import type { Findings } from '../findings.ts'
import { isJsonObject, objectsOf } from '../json.ts'
import { entriesOf } from '../manifest-files.ts'
import { mediaTypeOf } from '../media-type.ts'
import { shownHeader } from '../printable.ts'
import { readFile } from '../read-file.ts'
import type { Session } from '../session.ts'

/** Clocks that differ by so much are said to be right. */
const CLOCK_LEEWAY_MS = 60_000
type Json = Readonly<Record<string, unknown>>

/** The form of the main export's manifest. */
export const MANIFEST: Check = {
  id: 'manifest',
  title: 'The manifest has its fields',
  run: async (session, findings) => {
    const finished = await session.finishedMain()
    if (finished.last.status !== 200) throw new SkipCheck('The export did not complete')
    const { manifest } = finished
    const isObject = manifest !== undefined
    const seen = isObject ? 'a JSON object' : 'no JSON object'
    if (!findings.require([bulkData(22), bulkData(147)], isObject, seen)) return
    if (!isObject) return
    requireFields(findings, manifest)
    requireTransactionTime(session, findings, finished)
    requireRequest(findings, finished)
    for (const list of ['output', 'deleted', 'error']) requireEntries(findings, manifest, list)
    requireExtensions(findings, manifest)
  },
}

function requireFields(findings: Findings, manifest: Json): void {
  const fields = ['transactionTime', 'request', 'requiresAccessToken', 'output', 'error']
  const missing = fields.filter((field) => manifest[field] === undefined)
  const seen = missing.length === 0 ? 'all fields' : `missing: ${missing.join(', ')}`
  findings.require(stu1('manifest-fields'), missing.length === 0, seen)
  const kind = (field: string): string => `${field} is ${kindOf(manifest[field])}`
  const requires = manifest['requiresAccessToken']
  findings.require(bulkData(159), requires !== undefined, kind('requiresAccessToken'))
  findings.require(bulkData(160), typeof requires === 'boolean', kind('requiresAccessToken'))
  findings.require(bulkData(164), manifest['output'] !== undefined, kind('output'))
  findings.require(bulkData(165), Array.isArray(manifest['output']), kind('output'))
  findings.require(bulkData(191), manifest['error'] !== undefined, kind('error'))
  findings.require(bulkData(192), Array.isArray(manifest['error']), kind('error'))
  if (manifest['deleted'] !== undefined) {
    findings.require(bulkData(180), Array.isArray(manifest['deleted']), kind('deleted'))
  }
}

function requireTransactionTime(
  session: Session,
  findings: Findings,
  { manifest = {}, last }: FinishedExport,
): void {
  const value = manifest['transactionTime']
  findings.require(bulkData(150), value !== undefined, `it is ${kindOf(value)}`)
  const instant = typeof value === 'string' ? parseInstant(value) : undefined
  const isInstant = instant !== undefined
  findings.require(bulkData(151), isInstant, isInstant ? 'an instant' : 'no instant')
  if (!isInstant) return
  const now = session.options.now()
  const serverTime = parseHttpDate(last.headers['date'] ?? '', now) ?? now
  const aheadMs = instant.getTime() - serverTime.getTime()
  const seen = aheadMs > CLOCK_LEEWAY_MS ? 'it lies in the future' : 'it is not in the future'
  findings.require(bulkData(152), aheadMs <= CLOCK_LEEWAY_MS, seen)
}

function requireRequest(findings: Findings, { manifest = {}, requestUrl }: FinishedExport): void {
  const value = manifest['request']
  findings.require(bulkData(155), value !== undefined, `request is ${kindOf(value)}`)
  findings.require(bulkData(156), typeof value === 'string', `request is ${kindOf(value)}`)
  if (typeof value !== 'string') return
  const isUrl = URL.canParse(value)
  // Behind a proxy host and scheme may differ; the operation may not.
  const same = isUrl && new URL(value).pathname.endsWith(lastSegment(requestUrl))
  const seen = isUrl ? `a URL ${same ? 'of' : 'that is not'} the kick-off's` : 'no absolute URL'
  findings.require(bulkData(157), same, seen)
}

function lastSegment({ pathname }: URL): string {
  return pathname.slice(pathname.lastIndexOf('/'))
}

const ENTRY_REQUIREMENTS: Readonly<Record<string, string>> = {
  deleted: bulkData(181),
  error: bulkData(193),
}

function requireEntries(findings: Findings, manifest: Json, list: string): void {
  const entries: readonly unknown[] = Array.isArray(manifest[list]) ? manifest[list] : []
  const shape = ENTRY_REQUIREMENTS[list] ?? bulkData(168)
  if (list === 'output') {
    const seen = `${entries.length} entries`
    findings.require(bulkData(166), entries.every(isJsonObject), seen)
  }
  for (const [index, entry] of entries.entries()) {
    const { type, url, count } = isJsonObject(entry) ? entry : {}
    const at = `${list}[${index}]`
    const complete = typeof type === 'string' && typeof url === 'string'
    findings.require(shape, complete, `${at}: type is ${kindOf(type)}, url is ${kindOf(url)}`)
    const absolute = typeof url === 'string' && /^https?:\/\//i.test(url) && URL.canParse(url)
    const seen = absolute ? 'an absolute URL' : 'no absolute URL'
    findings.require(bulkData(175), absolute, `${at}: ${seen}`)
    if (count === undefined) continue
    const isNumber = Number.isSafeInteger(count)
    findings.require(bulkData(178), isNumber, `${at}: count is ${kindOf(count)}`)
  }
}

/** Up to STU3 the extensions of anything in a manifest are an object. */
function requireExtensions(findings: Findings, manifest: Json): void {
  const holders = [
    manifest,
    ...['output', 'deleted', 'error'].flatMap((l) => objectsOf(manifest[l])),
  ]
  const extensions = holders.map((holder) => holder['extension']).filter((e) => e !== undefined)
  if (extensions.length === 0) return
  const odd = extensions.find((extension) => !isJsonObject(extension))
  const seen = odd === undefined ? 'JSON objects' : kindOf(odd)
  findings.require([bulkData(198), bulkData(199)], odd === undefined, `extension: ${seen}`)
}

/** What kind of JSON a value is; never the value. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`
}

/** The output files of the main export. */
export const FILES: Check = {
  id: 'files',
  title: 'The files hold what the manifest says',
  run: async (session, findings) => {
    const { statusUrl } = await session.finishedMain()
    const entries = entriesOf(await session.manifest(), 'output', statusUrl)
    if (entries.length === 0) throw new SkipCheck('The export has no files')
    const { files, fileBytes } = session.options.limits
    if (entries.length > files) findings.note(`Only ${files} of ${entries.length} files were read`)
    for (const entry of entries.slice(0, files)) {
      const file = await readFile(session.http, entry.url, { maxBytes: fileBytes })
      requireFile(session, findings, { entry, file })
    }
  },
}

function requireFile(
  session: Session,
  findings: Findings,
  found: {
    readonly entry: ReturnType<typeof entriesOf>[number]
    readonly file: Awaited<ReturnType<typeof readFile>>
  },
): void {
  const { entry, file } = found
  const seen = `${entry.name}: HTTP ${file.status}`
  const fetched = [14, 24, 148, 204, 206].map(bulkData)
  if (!findings.require(fetched, file.status === 200, seen)) return
  const type = `${entry.name}: ${shownHeader(file.headers, 'content-type')}`
  const isNdjson = mediaTypeOf(file.headers['content-type']) === 'application/fhir+ndjson'
  findings.require([207, 208].map(bulkData), isNdjson, type)
  const content = `${entry.name}: ${file.fault ?? `${file.resources} lines of JSON`}`
  const readable = findings.require([209, 176].map(bulkData), file.fault === undefined, content)
  const types = `${entry.name}: ${file.types.size} types`
  const oneType = [bulkData(170), stu3('one-type-per-file')]
  findings.require(oneType, file.types.size <= 1, types)
  const named = [...file.types].every((each) => each === entry.type)
  findings.require(bulkData(169), named, `${entry.name}: ${named ? 'its type' : 'another type'}`)
  findings.require(
    bulkData(62),
    [...file.types].every((t) => t === session.options.type),
    types,
  )
  findings.require(bulkData(173), file.resources > 0 || file.cut, `${entry.name}: not empty`)
  if (entry.count === undefined || file.cut || !readable) return
  const counted = `${entry.name}: count is ${entry.count}, ${file.resources} resources`
  findings.require(bulkData(178), entry.count === file.resources, counted)
}

/** The same file with and without compression. */
export const FILE_ENCODING: Check = {
  id: 'file-encoding',
  title: 'Files are compressed only as the client accepts',
  run: async (session, findings) => {
    const { statusUrl } = await session.finishedMain()
    const [entry] = entriesOf(await session.manifest(), 'output', statusUrl)
    if (entry === undefined) throw new SkipCheck('The export has no files')
    const maxBytes = session.options.limits.fileBytes
    for (const acceptEncoding of ['identity', 'gzip']) {
      const file = await readFile(session.http, entry.url, { acceptEncoding, maxBytes })
      const coding = file.headers['content-encoding'] ?? 'identity'
      const wanted = coding === 'identity' || coding === acceptEncoding
      const fine = file.status === 200 && wanted && file.fault === undefined
      const content = file.fault ?? 'readable'
      const seen = `Accept-Encoding: ${acceptEncoding}: HTTP ${file.status}, ${coding}, ${content}`
      findings.require(stu3('file-encoding'), fine, seen)
    }
  },
}

/** Files of deletions, where the main export has any. */
export const DELETED_FILES: Check = {
  id: 'deleted-files',
  title: 'Deleted files hold transaction Bundles',
  run: async (session, findings) => {
    const { statusUrl } = await session.finishedMain()
    const entries = entriesOf(await session.manifest(), 'deleted', statusUrl)
    if (entries.length === 0) throw new SkipCheck('The export names no deletions')
    for (const entry of entries.slice(0, session.options.limits.files)) {
      await readFile(session.http, entry.url, {
        maxBytes: session.options.limits.fileBytes,
        onResource: (bundle) => {
          requireDeletions(findings, bundle, entry.name)
        },
      })
    }
  },
}

function requireDeletions(findings: Findings, bundle: Json, name: string): void {
  const isTransaction = bundle['resourceType'] === 'Bundle' && bundle['type'] === 'transaction'
  findings.require(bulkData(187), isTransaction, `${name}: transaction Bundles`)
  const entries = objectsOf(bundle['entry'])
  findings.require(bulkData(188), entries.length > 0, `${name}: entries`)
  for (const entry of entries) {
    const { method, url } = isJsonObject(entry['request']) ? entry['request'] : {}
    const filled = typeof url === 'string' && typeof method === 'string'
    findings.require(bulkData(189), filled, `${name}: request.url and request.method`)
    findings.require(bulkData(190), method === 'DELETE', `${name}: request.method`)
  }
}

/** Files of messages, where the main export has any. */
export const ERROR_FILES: Check = {
  id: 'error-files',
  title: 'Error files hold OperationOutcomes',
  run: async (session, findings) => {
    const { statusUrl } = await session.finishedMain()
    const manifest = await session.manifest()
    const entries = [
      ...entriesOf(manifest, 'error', statusUrl),
      ...entriesOf(manifest, 'outcome', statusUrl),
    ]
    if (entries.length === 0) throw new SkipCheck('The export has no messages')
    for (const entry of entries.slice(0, session.options.limits.files)) {
      const maxBytes = session.options.limits.fileBytes
      const file = await readFile(session.http, entry.url, { maxBytes })
      const only = [...file.types].every((type) => type === 'OperationOutcome')
      const fine = file.status === 200 && only && file.fault === undefined
      const seen = `${entry.name}: HTTP ${file.status}, ${file.fault ?? `${file.resources} lines`}`
      findings.require(bulkData(196), fine, seen)
    }
  },
}
