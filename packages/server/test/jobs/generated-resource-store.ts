import type { OutcomeIssue, ResourceType } from '@flatfhir/protocol'
import type {
  BundleResult,
  ExportQuery,
  Partition,
  PlanLimits,
  MemberChangeResult,
  ReadResult,
  ResourceHead,
  ResourceStore,
  SearchPage,
  Snapshot,
  WorkerModule,
  WriteResult,
} from '@flatfhir/server'

/** What a partition does beside handing out its lines. */
export interface Fault {
  /** `kill` takes the whole process down, `exit` and `uncaught` the thread, `hang` never ends. */
  readonly kind: 'throw' | 'exit' | 'kill' | 'uncaught' | 'hang'
  /** Only the first time, in whatever process: the name of a file that remembers it. */
  readonly once?: string
}

/** The made-up resources of one type. */
export interface GeneratedType {
  readonly type: ResourceType
  readonly count: number
  readonly lineBytes: number
  readonly linesPerBlock: number
  readonly fault?: Fault
  /** Reading waits until the test makes a file of this name. */
  readonly gate?: string
  /** With every block. */
  readonly issues?: readonly OutcomeIssue[]
}

/** A read-only store of made-up resources, for exports of any size that must cost no import. */
export class GeneratedResourceStore implements ResourceStore {
  readonly partitionReader: WorkerModule
  readonly prunedBefore: Date[] = []
  /** Plans that fail before one succeeds. */
  planFailures = 0
  readonly #types: readonly GeneratedType[]
  readonly #clock: () => Date

  /** @param directory - Where files of gates and faults are. */
  constructor(directory: string, types: readonly GeneratedType[], clock = () => new Date()) {
    this.#types = types
    this.#clock = clock
    this.partitionReader = {
      url: new URL('./generated-partition-reader.mjs', import.meta.url).href,
      options: { directory },
    }
  }

  async takeSnapshot(): Promise<Snapshot> {
    return { transactionTime: this.#clock(), position: '1' }
  }

  async missingPatients(): Promise<readonly string[]> {
    return []
  }

  async planExport(
    { types }: ExportQuery,
    _snapshot: Snapshot,
    { maxPartitionBytes }: PlanLimits,
  ): Promise<readonly Partition[]> {
    if (this.planFailures > 0) {
      this.planFailures -= 1
      throw Object.assign(new Error('quotes Smith, John'), { code: 'PLAN_UNREADABLE' })
    }
    return this.#types
      .filter(({ type }) => types === undefined || types.includes(type))
      .flatMap((generated) => partitionsOf(generated, maxPartitionBytes))
  }

  async prune(supersededBefore: Date): Promise<void> {
    this.prunedBefore.push(supersededBefore)
  }

  async write(): Promise<readonly WriteResult[]> {
    throw new TypeError('Read-only')
  }

  async writeBundle(): Promise<BundleResult> {
    throw new TypeError('Read-only')
  }

  async changeMembers(): Promise<MemberChangeResult> {
    throw new TypeError('Read-only')
  }

  async head(): Promise<ResourceHead> {
    return { state: 'unknown' }
  }

  async groupsCreatedBy(): Promise<readonly string[]> {
    return []
  }

  async read(): Promise<ReadResult> {
    return { state: 'unknown' }
  }

  async search(): Promise<SearchPage> {
    return { resources: [], total: 0 }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is open.
  }
}

function partitionsOf(generated: GeneratedType, maxPartitionBytes: number): Partition[] {
  const partitions: Partition[] = []
  const step = Math.max(1, Math.floor(maxPartitionBytes / generated.lineBytes))
  for (let from = 0; from < generated.count; from += step) {
    const count = Math.min(step, generated.count - from)
    partitions.push({
      kind: 'output',
      type: generated.type,
      estimatedBytes: count * generated.lineBytes,
      selector: JSON.stringify({ ...generated, from, count }),
    })
  }
  return partitions
}
