import { readDeletionBundle } from '@flatfhir/protocol'
import type {
  ExportQuery,
  Partition,
  PartitionReader,
  PartitionReaderModule,
  ResourceBlock,
  ResourceStore,
  Snapshot,
} from '@flatfhir/server'

/** What an export holds, read block by block and taken apart. */
export interface Exported {
  readonly snapshot: Snapshot
  readonly partitions: readonly Partition[]
  /** Each line of the output files, without its line feed, in the order it was read. */
  readonly lines: readonly ExportedLine[]
  /** By `Type/id`; of lines that are there twice the last one. */
  readonly byName: ReadonlyMap<string, ExportedLine>
  /** `Type/id` of what the deleted files name. */
  readonly deleted: readonly string[]
  /** `diagnostics` of OperationOutcome lines and of issues beside blocks. */
  readonly outcomes: readonly string[]
  /** Size of the largest block, in bytes, and of the largest that holds more than one resource. */
  readonly largestBlock: number
  readonly largestSharedBlock: number
}

/** One resource of an output file. */
export interface ExportedLine {
  /** `Type/id`. */
  readonly name: string
  readonly text: string
  readonly resource: Readonly<Record<string, unknown>>
  /** Whose block it is in, where the export is organised by patients. */
  readonly patientId?: string
}

/** How an export is read. */
export interface ReadExportOptions {
  /** Taken now when it is not given. */
  readonly snapshot?: Snapshot
  /**
   * Bytes.
   *
   * @defaultValue 2,000, so that there are many partitions
   */
  readonly maxPartitionBytes?: number
  /** Awaited after every block, and before the first. */
  readonly betweenBlocks?: () => Promise<unknown>
}

/** Opens a reader of the store's partitions, as a worker thread of the server does. */
export async function openReader(store: ResourceStore): Promise<PartitionReader> {
  const { url, options } = store.partitionReader
  const module = (await import(url)) as PartitionReaderModule
  return await module.openPartitionReader(options)
}

/** Plans an export and reads all of its partitions. */
export async function readExport(
  store: ResourceStore,
  query: ExportQuery,
  options: ReadExportOptions = {},
): Promise<Exported> {
  const { betweenBlocks = async () => undefined, maxPartitionBytes = 2000 } = options
  const snapshot = options.snapshot ?? (await store.takeSnapshot())
  const partitions = await store.planExport(query, snapshot, { maxPartitionBytes })
  const collected = new Collection()
  await using reader = await openReader(store)
  await betweenBlocks()
  for (const partition of partitions) {
    for await (const block of reader.read({ query, snapshot, partition })) {
      collected.take(partition, block)
      await betweenBlocks()
    }
  }
  return { snapshot, partitions, ...collected.contents() }
}

class Collection {
  readonly #lines: ExportedLine[] = []
  readonly #deleted: string[] = []
  readonly #outcomes: string[] = []
  #largestBlock = 0
  #largestSharedBlock = 0

  take(
    partition: Partition,
    { bytes, resourceCount, issues = [], patientId }: ResourceBlock,
  ): void {
    const texts = linesOf(bytes, resourceCount)
    this.#largestBlock = Math.max(this.#largestBlock, bytes.length)
    if (resourceCount > 1) {
      this.#largestSharedBlock = Math.max(this.#largestSharedBlock, bytes.length)
    }
    this.#outcomes.push(...issues.map(({ diagnostics }) => diagnostics))
    for (const text of texts) this.#takeLine(partition, text, patientId)
  }

  contents(): Omit<Exported, 'snapshot' | 'partitions'> {
    return {
      lines: this.#lines,
      byName: new Map(this.#lines.map((line) => [line.name, line])),
      deleted: this.#deleted,
      outcomes: this.#outcomes,
      largestBlock: this.#largestBlock,
      largestSharedBlock: this.#largestSharedBlock,
    }
  }

  #takeLine(partition: Partition, text: string, patientId: string | undefined): void {
    const resource = JSON.parse(text) as Record<string, unknown>
    const type = String(resource['resourceType'])
    const isMixed = patientId !== undefined && partition.type === 'Patient'
    if (type !== partition.type && !isMixed)
      throw new TypeError('A line is not of its partition’s type')
    if (partition.kind === 'deleted') {
      this.#deleted.push(...readDeletionBundle(resource).map((one) => `${one.type}/${one.id}`))
    } else if (partition.kind === 'outcome') {
      const { issue } = resource as { issue: { diagnostics: string }[] }
      this.#outcomes.push(...issue.map(({ diagnostics }) => diagnostics))
    } else {
      const name = `${type}/${String(resource['id'])}`
      this.#lines.push({ name, text, resource, ...(patientId !== undefined && { patientId }) })
    }
  }
}

function linesOf(bytes: Uint8Array, resourceCount: number): readonly string[] {
  if (bytes.length === 0) return []
  const texts = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).split('\n')
  if (texts.pop() !== '') throw new TypeError('A block does not end with a line feed')
  if (texts.length !== resourceCount) throw new TypeError('A block miscounts its lines')
  if (texts.includes('')) throw new TypeError('A block has a blank line')
  return texts
}
