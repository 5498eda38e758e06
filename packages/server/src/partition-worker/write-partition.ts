import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { blockHeaderLine, operationOutcome, type OutcomeIssue } from '@flatfhir/protocol'
import type { OutputFile } from '../job-store.ts'
import type { OutputFileStore } from '../output-file-store.ts'
import { OrganizedFileSequence } from '../output-files/organized-file-sequence.ts'
import {
  OutputFileSequence,
  type OutputFileSequenceOptions,
} from '../output-files/output-file-sequence.ts'
import type { PartitionReader, ResourceBlock } from '../resource-store.ts'
import { blockTransform, type TransformedBlock } from './block-transform.ts'
import type { PartitionResult, PartitionTask, PartitionWorkerOptions } from './messages.ts'

/** What a worker thread keeps open between partitions. */
export interface PartitionWriterContext {
  readonly reader: PartitionReader
  readonly store: OutputFileStore
  readonly options: PartitionWorkerOptions
}

/** Whom a task tells how far it is. */
export interface PartitionTaskObserver {
  /** Told the bytes of NDJSON written so far, after every block. */
  readonly onProgress: (bytes: number) => void
  /** Told when nothing is left to be read, compressed or written, only to be flushed. */
  readonly onFlushing: () => void
}

/**
 * Reads one partition and writes its files, which are durable when the promise resolves. They belong
 * to the job only once the partition is committed in the job store.
 */
export async function writePartition(
  task: PartitionTask,
  context: PartitionWriterContext & PartitionTaskObserver,
): Promise<PartitionResult> {
  const nextFileId = fileIdsFrom(task.fileIdSeed)
  const sequences = {
    main: mainSequence(task, sequenceOptions(task.partition, { task, context, nextFileId })),
    documents: new OutputFileSequence(sequenceOptions(DOCUMENTS, { task, context, nextFileId })),
    outcome: new OutputFileSequence(sequenceOptions(OUTCOME, { task, context, nextFileId })),
  }
  try {
    const completed = await writeBlocks(task, context, sequences)
    if (!completed) {
      await abortAll(sequences)
      return { kind: 'aborted' }
    }
    context.onFlushing()
    const files: OutputFile[] = []
    for (const sequence of inOrder(sequences)) files.push(...(await sequence.commit()))
    return { kind: 'written', files }
  } catch (error) {
    await abortAll(sequences)
    throw error
  }
}

/**
 * Readers are synchronous: without a turn of the event loop now and then, the end of the flush of the
 * partition before would be noticed only when this one is written, and its files be told so late.
 */
const BYTES_BETWEEN_TURNS = 8 * 1024 * 1024

const OUTCOME = { kind: 'outcome', type: 'OperationOutcome' } as const
const DOCUMENTS = { kind: 'output', type: 'DocumentReference' } as const

/** Files that blocks are written to. */
interface MainSequence extends Pick<OutputFileSequence, 'commit' | 'abort'> {
  write(block: ResourceBlock): Promise<void>
}

interface Sequences {
  readonly main: MainSequence
  /** For Binaries of patients, which are DocumentReferences in an export. */
  readonly documents: OutputFileSequence
  /** For what the reader could not read. */
  readonly outcome: OutputFileSequence
}

function mainSequence(
  { partition, query }: PartitionTask,
  options: OutputFileSequenceOptions,
): MainSequence {
  if (partition.kind === 'output' && query.organizedBy === 'Patient') {
    const headerOf = (id: string): Uint8Array => blockHeaderLine('Patient', id)
    const sequence = new OrganizedFileSequence({ ...options, headerOf })
    return {
      write: ({ bytes, patientId = '' }) => sequence.write(bytes, patientId),
      commit: () => sequence.commit(),
      abort: () => sequence.abort(),
    }
  }
  const sequence = new OutputFileSequence(options)
  return {
    write: ({ bytes, resourceCount }) => sequence.write(bytes, resourceCount),
    commit: () => sequence.commit(),
    abort: () => sequence.abort(),
  }
}

function sequenceOptions(
  { kind, type }: Pick<PartitionTask['partition'], 'kind' | 'type'>,
  {
    task,
    context,
    nextFileId,
  }: {
    readonly task: PartitionTask
    readonly context: PartitionWriterContext
    readonly nextFileId: () => string
  },
): OutputFileSequenceOptions {
  const { storedEncoding, gzipLevel } = context.options
  const maxFileBytes = Math.min(
    context.options.maxFileBytes,
    task.query.maxFileBytes ?? Number.POSITIVE_INFINITY,
  )
  const { jobId } = task
  const { store } = context
  return { store, jobId, kind, type, storedEncoding, gzipLevel, maxFileBytes, nextFileId }
}

async function writeBlocks(
  task: PartitionTask,
  { reader, onProgress }: PartitionWriterContext & PartitionTaskObserver,
  sequences: Sequences,
): Promise<boolean> {
  const transform = blockTransform(task, reader)
  let bytes = 0
  let turnedAt = 0
  for await (const block of blocksOf(task, reader)) {
    if (Atomics.load(task.abortFlag, 0) !== 0) return false
    const written: TransformedBlock = transform?.(block) ?? block
    if (written.bytes.length > 0) await sequences.main.write(written)
    const { documents } = written
    if (documents !== undefined && documents.bytes.length > 0) {
      await sequences.documents.write(documents.bytes, documents.resourceCount)
    }
    const issues = [...(written.issues ?? []), ...(documents?.issues ?? [])]
    if (issues.length > 0) await sequences.outcome.write(outcomeLines(issues), issues.length)
    bytes += block.bytes.length
    onProgress(bytes)
    if (bytes - turnedAt < BYTES_BETWEEN_TURNS) continue
    turnedAt = bytes
    await setImmediate()
  }
  return Atomics.load(task.abortFlag, 0) === 0
}

function blocksOf(
  { issues, query, snapshot, partition }: PartitionTask,
  reader: PartitionReader,
): Iterable<ResourceBlock> | AsyncIterable<ResourceBlock> {
  if (issues === undefined) return reader.read({ query, snapshot, partition })
  return [{ bytes: outcomeLines(issues), resourceCount: issues.length }]
}

function outcomeLines(issues: readonly OutcomeIssue[]): Uint8Array {
  const lines = issues.map((issue) => `${JSON.stringify(operationOutcome(issue))}\n`)
  return Buffer.from(lines.join(''), 'utf8')
}

async function abortAll(sequences: Sequences): Promise<void> {
  for (const sequence of inOrder(sequences)) await sequence.abort()
}

function inOrder({
  main,
  documents,
  outcome,
}: Sequences): readonly Pick<MainSequence, 'commit' | 'abort'>[] {
  return [main, documents, outcome]
}

/** As hard to guess as the seed, which is never shown to anybody. */
function fileIdsFrom(seed: string): () => string {
  let count = 0
  return () => {
    count += 1
    return createHash('sha256').update(`${seed}/${count}`).digest('hex').slice(0, 32)
  }
}
