import type {
  ElementSelector,
  ExportLevel,
  OutcomeIssue,
  OutputFileKind,
  ResourceType,
} from '@flatfhir/protocol'

/** One version of one resource, as it is stored. */
export interface StoredResource {
  readonly type: ResourceType
  readonly id: string
  readonly versionId: string
  readonly lastUpdated: Date
  /** The resource's JSON text in UTF-8, with `meta.versionId` and `meta.lastUpdated` set. */
  readonly body: Uint8Array
}

/** What a read of one resource finds. */
export type ReadResult =
  | { readonly state: 'found'; readonly resource: StoredResource }
  | { readonly state: 'deleted'; readonly versionId: string; readonly lastUpdated: Date }
  | { readonly state: 'unknown' }

/** One write. `body` is the JSON text in UTF-8, exactly as the client sent it. */
export type WriteOperation =
  | { readonly kind: 'create'; readonly type: ResourceType; readonly body: Uint8Array }
  | {
      readonly kind: 'update'
      readonly type: ResourceType
      readonly id: string
      readonly body: Uint8Array
      /** The `versionId` that must be current, from `If-Match`. */
      readonly ifMatch?: string
    }
  | {
      readonly kind: 'delete'
      readonly type: ResourceType
      readonly id: string
      readonly ifMatch?: string
    }

/**
 * On whose behalf something is written, as far as Groups are concerned: a Group makes a cohort of
 * patients, which must not tell its author more than the author may know anyway.
 */
export interface WriteAuthor {
  /** Becomes the owner of Groups that are created. */
  readonly clientId?: string
  /** Ids of the Groups that may be members of what is written; `'all'` of them. */
  readonly groups: readonly string[] | 'all'
  /** Types that member filters may search; `'all'` of them. */
  readonly searchable: readonly ResourceType[] | 'all'
}

/** How writes are carried out. */
export interface WriteOptions {
  /** All or nothing. */
  readonly atomic?: boolean
  /**
   * What goes beyond the author's rights is `invalid`, with an issue of type `forbidden`.
   *
   * @defaultValue somebody who may do everything, and owns nothing
   */
  readonly author?: WriteAuthor
}

/** What is known of a resource without its body. */
export type ResourceHead =
  | { readonly state: 'found' | 'deleted'; readonly versionId: string; readonly lastUpdated: Date }
  | { readonly state: 'unknown' }

/** A change of single members of a Group; its cost is that of the change, not of the Group. */
export interface MemberChange {
  readonly groupId: string
  /** JSON texts of `Group.member` elements. Who is a member in just this way already stays so. */
  readonly add: readonly string[]
  /** References, as `Patient/id`: every element of the roster that names one of them goes. */
  readonly remove: readonly string[]
  /** The `versionId` that must be current, from `If-Match`. */
  readonly ifMatch?: string
}

/** What a {@link MemberChange} did, or why it did nothing. */
export type MemberChangeResult =
  | {
      readonly state: 'updated' | 'unchanged'
      readonly versionId: string
      readonly lastUpdated: Date
      /** Members that are there now and were not before, and the other way round. */
      readonly added: number
      readonly removed: number
    }
  /** There is no such Group, or no longer. */
  | { readonly state: 'unknown' }
  | { readonly state: 'version-conflict' }
  | { readonly state: 'invalid'; readonly issue: OutcomeIssue }

/** What one write did, or why it did nothing. */
export type WriteResult =
  | { readonly state: 'created' | 'updated' | 'unchanged'; readonly resource: StoredResource }
  | {
      readonly state: 'deleted'
      readonly type: ResourceType
      readonly id: string
      readonly versionId: string
      readonly lastUpdated: Date
    }
  /** A delete of something that is not there, which is not an error. */
  | { readonly state: 'absent'; readonly type: ResourceType; readonly id: string }
  /** `ifMatch` is not the current version. */
  | {
      readonly state: 'version-conflict'
      readonly type: ResourceType
      readonly id: string
      readonly currentVersionId: string | undefined
    }
  | { readonly state: 'invalid'; readonly issue: OutcomeIssue }

/** What a batch or transaction Bundle did. */
export type BundleResult =
  /** Transactions: every entry took effect. Batches: each entry has its own result. */
  | {
      readonly state: 'done'
      readonly type: 'transaction' | 'batch'
      readonly entries: readonly WriteResult[]
    }
  /** Nothing was written. `entry` is the 0-based entry at fault, if one is. */
  | {
      readonly state: 'rejected'
      readonly status: 400 | 409 | 412 | 422
      readonly issue: OutcomeIssue
      readonly entry?: number
    }

/** A search on one type. Every criterion must hold; within one criterion one value must. */
export interface SearchQuery {
  readonly type: 'Group' | 'Patient'
  /** `_id`: logical ids. */
  readonly ids?: readonly string[]
  /** `identifier`: `system|value`, `value`, `|value` or `system|`, unescaped and split. */
  readonly identifiers?: readonly SearchIdentifier[]
  /** `name`: case- and accent-insensitive "starts with" on any part of any name. */
  readonly names?: readonly string[]
  /** At most this many resources in the page. */
  readonly pageSize: number
  /** Where the page before ended, from {@link SearchPage.nextCursor}. */
  readonly cursor?: string
}

/** `system` is `undefined` where any system will do, and `''` where there must be none. */
export interface SearchIdentifier {
  readonly system: string | undefined
  readonly value: string | undefined
}

/** One page of a search, in a stable order. */
export interface SearchPage {
  readonly resources: readonly StoredResource[]
  readonly total: number
  /** Opaque; letters, digits, `-` and `_` only. */
  readonly nextCursor?: string
}

/**
 * A point in the store's history that every read of an export is as of.
 *
 * Once a snapshot was taken, every later write is stamped later than its `transactionTime`, even
 * within the same millisecond, in another process, or after the machine's clock stepped back.
 */
export interface Snapshot {
  readonly transactionTime: Date
  /** The store's own notion of the point; JSON-safe and opaque to everybody else. */
  readonly position: string
}

/** What an export is about; fixed at kick-off and kept with the job, as JSON. */
export interface ExportQuery {
  readonly level: ExportLevel
  /** Set exactly when `level` is `group`. */
  readonly groupId?: string
  /** The effective types: requested and granted. `undefined` means every type. */
  readonly types?: readonly ResourceType[]
  /** Epoch milliseconds. Only what changed later than this, and what was deleted since. */
  readonly sinceMs?: number
  /** Epoch milliseconds. Only what changed earlier than this. */
  readonly untilMs?: number
  /**
   * At levels `patient` and `group`: only these patients, of those that the export is about anyway.
   * Never widens anything, and an empty list exports nothing.
   */
  readonly patientIds?: readonly string[]
  /** What is left out of some types. Applied by whoever writes the files, not by the store. */
  readonly restrictions?: readonly SearchRestriction[]
  /** `_elements`. Applied by whoever writes the files, not by the store. */
  readonly elements?: readonly ElementSelector[]
  /**
   * Which Provenance goes with the exported resources; the IG's default rule where it is left out.
   *
   * - `latest`: for each resource the one that was recorded last.
   * - `relevant`: all that have an exported resource among their targets.
   */
  readonly provenance?: 'latest' | 'relevant'
  /**
   * Output in blocks of one patient's resources, of whatever type, and of what they refer to outside
   * the compartment. Such partitions have the type `Patient`, and their blocks say whose they are.
   * What belongs to no patient is left out.
   */
  readonly organizedBy?: 'Patient'
  /** Size in bytes that output files should not be below. */
  readonly minFileBytes?: number
  /**
   * Size in bytes that no output file may be above; a resource that is larger by itself is reported
   * instead of exported.
   */
  readonly maxFileBytes?: number
  /**
   * The FHIR base URL as the client sees it, without a slash at its end: what URLs of attachments that
   * lead to this server begin with. Left out, they stay as they were written.
   */
  readonly fhirBaseUrl?: string
}

/**
 * A search that resources of one type have to meet. Several for the same type have to be met all.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#_typefilter-query-parameter | Bulk Data: _typeFilter}
 */
export interface SearchRestriction {
  readonly type: ResourceType
  /** FHIR searches without type and `?`, such as `category=laboratory`; one of them is enough. */
  readonly anyOf: readonly string[]
  /** `scope` restricts what a client may see at all, deletions included. */
  readonly origin: 'type-filter' | 'scope'
  /** Parameters that are not supported are left out of the search, and have been reported. */
  readonly lenient?: boolean
}

/** One piece of an export's work, small enough to be done again after a crash. JSON-safe. */
export interface Partition {
  readonly kind: OutputFileKind
  /** The type of the file's resources: `Bundle` for deleted, `OperationOutcome` for outcome. */
  readonly type: string
  /** For progress and for scheduling; not exact. */
  readonly estimatedBytes: number
  /** The store's own description of the piece; opaque to everybody else. */
  readonly selector: string
}

/** Limits that a plan keeps to. */
export interface PlanLimits {
  /** A partition is cut where it is estimated to become larger than this many bytes. */
  readonly maxPartitionBytes: number
}

/** Complete NDJSON lines, each ended by a line feed. */
export interface ResourceBlock {
  /** About 256 KiB to 1 MiB, or one single larger resource. Empty when there are only issues. */
  readonly bytes: Uint8Array
  /** Number of lines in `bytes`. */
  readonly resourceCount: number
  /** What could not be read; each becomes an OperationOutcome in an outcome file. */
  readonly issues?: readonly OutcomeIssue[]
  /**
   * Where output is organised by patients: whose resources these are. A block holds those of one
   * patient; one patient's blocks follow each other.
   */
  readonly patientId?: string
}

/** A module that a worker thread loads, and what it hands to the module's one function. */
export interface WorkerModule {
  /** URL of the module, for `import()`. */
  readonly url: string
  /** Structured-cloneable. */
  readonly options: unknown
}

/** Reads partitions; lives in one worker thread, with a read-only connection of its own. */
export interface PartitionReader extends AsyncDisposable {
  /**
   * The partition's resources as of the snapshot, in blocks. Reading it twice gives the same
   * resources, in whatever process and whatever was written since.
   */
  read(input: {
    readonly query: ExportQuery
    readonly snapshot: Snapshot
    readonly partition: Partition
  }): Iterable<ResourceBlock> | AsyncIterable<ResourceBlock>

  /**
   * One resource as of the snapshot, for searches that follow a reference.
   *
   * @returns `undefined` when it is not there, or deleted.
   */
  find(input: {
    readonly snapshot: Snapshot
    readonly type: ResourceType
    readonly id: string
  }): Uint8Array | undefined
}

/** What the module of {@link ResourceStore.partitionReader} exports. */
export interface PartitionReaderModule {
  openPartitionReader(options: unknown): Promise<PartitionReader>
}

/**
 * Where the Data Provider's resources are, with every version that an export may still need.
 *
 * Every implementation passes `resourceStoreContract` of the testkit package.
 */
export interface ResourceStore extends AsyncDisposable {
  /** How a worker thread reads partitions of this store. */
  readonly partitionReader: WorkerModule

  /** All or nothing when `atomic`; otherwise each operation stands for itself. */
  write(
    operations: readonly WriteOperation[],
    options?: WriteOptions,
  ): Promise<readonly WriteResult[]>

  /**
   * Carries out a batch or transaction Bundle; in transactions `urn:uuid:` references are rewritten
   * to the ids that the store assigned.
   */
  writeBundle(body: Uint8Array, options?: Pick<WriteOptions, 'author'>): Promise<BundleResult>

  /** Adds members to a Group and takes others out; both or nothing. */
  changeMembers(
    change: MemberChange,
    options?: Pick<WriteOptions, 'author'>,
  ): Promise<MemberChangeResult>

  read(type: ResourceType, id: string): Promise<ReadResult>

  /** Whether a resource is there; costs the same however large it is. */
  head(type: ResourceType, id: string): Promise<ResourceHead>

  /** Ids of the Groups that this client created, sorted; those that were deleted since, too. */
  groupsCreatedBy(clientId: string): Promise<readonly string[]>

  /** @throws `RequestInvalidError` when the cursor is not one of this store's. */
  search(query: SearchQuery): Promise<SearchPage>

  /** Waits for writers that are in flight, so that nothing can appear at or before the snapshot. */
  takeSnapshot(): Promise<Snapshot>

  /**
   * Which of {@link ExportQuery.patientIds} the export is not about: unknown, deleted, or no members of
   * the Group as of the snapshot. Sorted.
   */
  missingPatients(query: ExportQuery, snapshot: Snapshot): Promise<readonly string[]>

  /** Cuts an export into partitions; an unknown or empty Group has none with output. */
  planExport(
    query: ExportQuery,
    snapshot: Snapshot,
    limits: PlanLimits,
  ): Promise<readonly Partition[]>

  /** Removes versions that were superseded before this instant. Tombstones stay. */
  prune(supersededBefore: Date): Promise<void>
}
