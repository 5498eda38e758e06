import {
  isResourceType,
  readBundleText,
  readResourceText,
  rewriteLinks,
  type BundleEntryText,
  type ResourceText,
} from '@flatfhir/protocol'
import { createHash } from 'node:crypto'
import { typeCode } from '../resource-store/keys.ts'
import type { Target } from '../resource-store/resource-index.ts'

/** What one entry of a Bundle asks an import to do. */
export type ImportEntry =
  | { readonly kind: 'put'; readonly text: ResourceText; readonly id: string }
  | { readonly kind: 'delete'; readonly target: Target }
  | { readonly kind: 'nothing' }

/** One entry, read when it is asked for; `read` throws what is wrong with this entry alone. */
export interface PendingEntry {
  /** 0-based. */
  readonly index: number
  readonly read: () => ImportEntry
}

const URN_UUID = /^urn:uuid:([A-Za-z0-9\-.]{1,64})$/

/**
 * The entries of a Bundle of any type, with the links between them rewritten to `Type/id`.
 *
 * An import keeps ids. A resource without one gets that of its `urn:uuid:`, or one made from its
 * content, so that importing the same Bundle again finds it again.
 *
 * @throws `ResourceInvalidError` when the text is not a Bundle.
 */
export function bundleEntries(bytes: Uint8Array): readonly PendingEntry[] {
  const { entries } = readBundleText(bytes)
  const links = new Map<string, string>()
  for (const entry of entries) addLink(links, entry)
  return entries.map((entry, index) => ({ index, read: () => readEntry(entry, links) }))
}

function readEntry(entry: BundleEntryText, links: ReadonlyMap<string, string>): ImportEntry {
  const { resource, request } = entry
  if (request?.method === 'DELETE') return deletion(request.url)
  if (resource === undefined) return { kind: 'nothing' }
  const text = readResourceText(rewriteLinks(resource, links))
  return { kind: 'put', text, id: idOf(text, entry) }
}

function deletion(url: string): ImportEntry {
  const [type = '', id, ...rest] = url.split('/')
  if (!isResourceType(type) || id === undefined || rest.length > 0) return { kind: 'nothing' }
  return { kind: 'delete', target: { code: typeCode(type), id } }
}

function addLink(links: Map<string, string>, entry: BundleEntryText): void {
  if (entry.fullUrl === undefined || entry.resource === undefined) return
  try {
    const text = readResourceText(entry.resource)
    links.set(entry.fullUrl, `${text.type}/${idOf(text, entry)}`)
  } catch {
    // Reported when the entry itself is read.
  }
}

function idOf(text: ResourceText, { fullUrl, resource }: BundleEntryText): string {
  if (text.id !== undefined) return text.id
  const uuid = URN_UUID.exec(fullUrl ?? '')?.[1]
  if (uuid !== undefined) return uuid
  // Of the text as it was sent, so that rewritten links do not change it.
  return createHash('sha256')
    .update(resource ?? text.bytes)
    .digest('hex')
    .slice(0, 40)
}
