import {
  blockHeaderLine,
  elementSelection,
  subsetElements,
  subsetLines,
  type ElementSelection,
  type OutcomeIssue,
} from '@flatfhir/protocol'
import type { JsonObject } from '@flatfhir/search'
import { compileRestrictions, type CompiledRestrictions } from '../access/search-restrictions.ts'
import type { ExportQuery, PartitionReader, ResourceBlock } from '../resource-store.ts'
import { absoluteAttachmentUrls } from './attachment-urls.ts'
import { changeLines, type LineChange } from './block-lines.ts'
import { documentTransform } from './document-transform.ts'
import type { PartitionTask } from './messages.ts'
import { resourceFinder } from './resource-finder.ts'

/** What is written of a block that was read. */
export interface TransformedBlock extends ResourceBlock {
  /** For files of their own: DocumentReferences that Binaries of patients have become. */
  readonly documents?: ResourceBlock
}

/** Makes of a block that was read what is written. */
export type BlockTransform = (block: ResourceBlock) => TransformedBlock

/**
 * What an export does to its resources on the way to the files: those that do not meet its searches
 * are left out, of the others what `_elements` does not name; Binaries of patients become
 * DocumentReferences, and URLs of attachments absolute.
 *
 * @returns `undefined` where blocks are written as they were read, which costs nothing.
 */
export function blockTransform(
  { query, snapshot, partition }: Pick<PartitionTask, 'query' | 'snapshot' | 'partition'>,
  reader: Pick<PartitionReader, 'find'>,
): BlockTransform | undefined {
  if (partition.kind !== 'output') return undefined
  const find = resourceFinder(reader, snapshot)
  const compile = (isRelevant: (type: string) => boolean): CompiledRestrictions | undefined => {
    const relevant = query.restrictions?.filter(({ type }) => isRelevant(type)) ?? []
    if (relevant.length === 0) return undefined
    return compileRestrictions(relevant, { resolve: find, now: snapshot.transactionTime })
  }
  const isMixed = query.organizedBy !== undefined
  const admitted = admission(compile((type) => isMixed || type === partition.type))
  const steps = contentSteps(query, partition.type)
  if (partition.type === 'Binary') {
    const documents = admission(compile((type) => type === 'DocumentReference'))
    const ofDocuments = [...documents, ...contentSteps(query, 'DocumentReference')]
    return documentTransform({ query, find, admitted, steps, ofDocuments })
  }
  const all = [...admitted, ...steps]
  if (all.length === 0) return undefined
  return (block) => all.reduce((done, step) => step(done), block)
}

/** One of the things that are done to a block. */
export type BlockStep = (block: ResourceBlock) => ResourceBlock

function admission(compiled: CompiledRestrictions | undefined): readonly BlockStep[] {
  if (compiled === undefined) return []
  const admit: LineChange = (line) => {
    const resource = JSON.parse(line.toString('utf8')) as JsonObject
    return compiled.admits(resource) ? line : undefined
  }
  return [(block) => changeLines(block, admit)]
}

function contentSteps(query: ExportQuery, type: string): readonly BlockStep[] {
  const { elements, fhirBaseUrl, maxFileBytes } = query
  const steps: BlockStep[] = []
  if (elements !== undefined) {
    const selection = elementSelection(elements)
    steps.push((block) => withElements(block, selection))
  }
  if (fhirBaseUrl !== undefined && !WITHOUT_ATTACHMENT_URLS.has(type)) {
    steps.push((block) => withBytes(block, absoluteAttachmentUrls(block.bytes, fhirBaseUrl)))
  }
  if (maxFileBytes !== undefined) steps.push((block) => withinSize(block, maxFileBytes))
  return steps
}

/** A Binary is content itself; the relative URLs of a Bundle may be those of requests. */
const WITHOUT_ATTACHMENT_URLS: ReadonlySet<string> = new Set(['Binary', 'Bundle'])

function withBytes(block: ResourceBlock, bytes: Uint8Array): ResourceBlock {
  return bytes === block.bytes ? block : { ...block, bytes }
}

function withElements(block: ResourceBlock, selection: ElementSelection): ResourceBlock {
  try {
    return withBytes(block, subsetLines(block.bytes, selection))
  } catch {
    // One resource cannot be read; the others can.
    return changeLines(block, (line) => subsetElements(line, selection))
  }
}

/** No file SHALL exceed `_maximumFileSize`: what does not even fit into one of its own is left out. */
function withinSize(block: ResourceBlock, maxFileBytes: number): ResourceBlock {
  const { patientId } = block
  const header = patientId === undefined ? 0 : blockHeaderLine('Patient', patientId).length
  const maxLineBytes = maxFileBytes - header - 1
  if (block.bytes.length <= maxLineBytes) return block
  return changeLines(block, (line, issues) => {
    if (line.length <= maxLineBytes) return line
    issues.push(TOO_LARGE)
    return undefined
  })
}

const TOO_LARGE: OutcomeIssue = {
  severity: 'error',
  code: 'too-costly',
  diagnostics: 'A resource is larger than _maximumFileSize and is not in this export',
}
