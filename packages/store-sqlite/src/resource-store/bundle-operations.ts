import {
  isResourceId,
  isResourceType,
  readBundleText,
  rewriteLinks,
  type BundleEntryText,
  type OutcomeIssue,
  type ResourceType,
} from '@flatfhir/protocol'
import type { BundleResult, WriteAuthor, WriteResult } from '@flatfhir/server'
import {
  applyWrite,
  issueOf,
  prepareWrite,
  type PreparedWrite,
  type PreparingOptions,
} from './resource-operations.ts'
import type { ResourceWriter } from './resource-writer.ts'

type Rejection = Extract<BundleResult, { state: 'rejected' }>

/** Undoes a transaction whose entry could not be carried out. */
class TransactionRejected extends Error {
  readonly rejection: Rejection

  constructor(rejection: Rejection) {
    super('The transaction was rejected')
    this.rejection = rejection
  }
}

/** A request of an entry, read. */
type EntryRequest =
  | { readonly method: 'POST'; readonly type: ResourceType; readonly id: string }
  | {
      readonly method: 'PUT' | 'DELETE'
      readonly type: ResourceType
      readonly id: string
      readonly ifMatch: string | undefined
    }
  | { readonly method: 'invalid'; readonly issue: OutcomeIssue }

/**
 * Carries out a batch or a transaction.
 *
 * @see {@link https://hl7.org/fhir/R4/http.html#transaction | FHIR R4: batch/transaction}
 */
export function writeBundle(
  writer: ResourceWriter,
  body: Uint8Array,
  options: PreparingOptions,
): BundleResult {
  const read = readWritableBundle(body)
  if ('state' in read) return read
  const requests = read.entries.map((entry) => readRequest(entry, options.newId))
  const links = read.type === 'transaction' ? linksBetween(read.entries, requests) : new Map()
  const { author } = options
  const writes = read.entries.map((entry, index) =>
    prepareEntry(entry, requests[index], { links, author }),
  )
  return read.type === 'transaction'
    ? writeTransaction(writer, writes)
    : { state: 'done', type: 'batch', entries: writeBatch(writer, writes) }
}

function readWritableBundle(
  body: Uint8Array,
): Rejection | { type: 'batch' | 'transaction'; entries: readonly BundleEntryText[] } {
  try {
    const { type, entries } = readBundleText(body)
    if (type === 'batch' || type === 'transaction') return { type, entries }
    return rejected(invalid('Bundle.type is neither batch nor transaction'))
  } catch (error) {
    return rejected(issueOf(error))
  }
}

function writeBatch(
  writer: ResourceWriter,
  writes: readonly PreparedWrite[],
): readonly WriteResult[] {
  return writer.transaction(() => writes.map((write) => applyWrite(writer, write)))
}

// R4 orders a transaction's deletes before its creates, and those before its updates.
function writeTransaction(writer: ResourceWriter, writes: readonly PreparedWrite[]): BundleResult {
  const twice = firstWrittenTwice(writes)
  if (twice !== undefined) {
    const issue = invalid('Two entries of the transaction write the same resource')
    return rejected(issue, twice)
  }
  const order = writes
    .map((write, entry) => ({ write, entry }))
    .sort((a, b) => Number(b.write.kind === 'delete') - Number(a.write.kind === 'delete'))
  try {
    return writer.transaction(() => {
      const entries = new Array<WriteResult>(writes.length)
      for (const { write, entry } of order) {
        const result = applyWrite(writer, write)
        refuseFailure(result, entry)
        entries[entry] = result
      }
      return { state: 'done', type: 'transaction', entries }
    })
  } catch (error) {
    if (error instanceof TransactionRejected) return error.rejection
    throw error
  }
}

function refuseFailure(result: WriteResult, entry: number): void {
  if (result.state === 'invalid') throw new TransactionRejected(rejected(result.issue, entry))
  if (result.state !== 'version-conflict') return
  const issue: OutcomeIssue = {
    severity: 'error',
    code: 'conflict',
    diagnostics: 'ifMatch is not the current version',
  }
  throw new TransactionRejected({ state: 'rejected', status: 412, issue, entry })
}

function firstWrittenTwice(writes: readonly PreparedWrite[]): number | undefined {
  const seen = new Set<string>()
  const index = writes.findIndex((write) => {
    if (write.kind === 'invalid') return false
    const name = `${write.type}/${write.kind === 'put' ? write.resource.id : write.id}`
    if (seen.has(name)) return true
    seen.add(name)
    return false
  })
  return index === -1 ? undefined : index
}

function linksBetween(
  entries: readonly BundleEntryText[],
  requests: readonly EntryRequest[],
): Map<string, string> {
  const links = new Map<string, string>()
  entries.forEach(({ fullUrl }, index) => {
    const request = requests[index]
    if (fullUrl === undefined || request === undefined) return
    if (request.method !== 'POST' && request.method !== 'PUT') return
    links.set(fullUrl, `${request.type}/${request.id}`)
  })
  return links
}

function prepareEntry(
  { resource }: BundleEntryText,
  request: EntryRequest | undefined,
  { links, author }: { links: ReadonlyMap<string, string>; author: WriteAuthor | undefined },
): PreparedWrite {
  if (request === undefined) return { kind: 'invalid', issue: invalid('The entry has no request') }
  if (request.method === 'invalid') return { kind: 'invalid', issue: request.issue }
  if (request.method === 'DELETE') {
    return { kind: 'delete', type: request.type, id: request.id, ifMatch: request.ifMatch }
  }
  if (resource === undefined)
    return { kind: 'invalid', issue: invalid('The entry has no resource') }
  try {
    const body = rewriteLinks(resource, links)
    if (request.method === 'POST') {
      return prepareWrite(
        { kind: 'create', type: request.type, body },
        { newId: () => request.id, author },
      )
    }
    const { type, id, ifMatch } = request
    const update = { kind: 'update', type, id, body } as const
    return prepareWrite(ifMatch === undefined ? update : { ...update, ifMatch }, {
      newId: () => id,
      author,
    })
  } catch (error) {
    return { kind: 'invalid', issue: issueOf(error) }
  }
}

function readRequest({ request }: BundleEntryText, newId: () => string): EntryRequest {
  if (request === undefined) return failed('The entry has no request with a method and a url')
  const { method, url, ifMatch, ifNoneExist } = request
  if (ifNoneExist !== undefined)
    return failed('Conditional creates (ifNoneExist) are not supported')
  const [type = '', id, ...rest] = url.split('/')
  if (!isResourceType(type) || rest.length > 0 || url.includes('?')) {
    return failed('request.url is neither a resource type nor a type and an id')
  }
  if (method === 'POST' && id === undefined) return { method, type, id: newId() }
  if (method !== 'PUT' && method !== 'DELETE') return failed('request.method is not supported here')
  if (id === undefined || !isResourceId(id))
    return failed('request.url has no id, or not a FHIR id')
  return { method, type, id, ifMatch: ifMatch === undefined ? undefined : versionOf(ifMatch) }
}

/** The version of a weak entity tag; something that is no version where the tag is not one. */
function versionOf(tag: string): string {
  return /^(?:W\/)?"([^"]*)"$/.exec(tag)?.[1] ?? ''
}

function failed(diagnostics: string): EntryRequest {
  return { method: 'invalid', issue: invalid(diagnostics) }
}

function invalid(diagnostics: string): OutcomeIssue {
  return { severity: 'error', code: 'invalid', diagnostics }
}

function rejected(issue: OutcomeIssue, entry?: number): Rejection {
  return { state: 'rejected', status: 400, issue, ...(entry !== undefined && { entry }) }
}
