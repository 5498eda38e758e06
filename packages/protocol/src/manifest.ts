/** What an output file holds: resources, deletions, or OperationOutcomes. */
export type OutputFileKind = 'output' | 'deleted' | 'outcome'

/** Severity of an OperationOutcome's issue; `success` came with FHIR R5. */
export type IssueSeverity = 'fatal' | 'error' | 'warning' | 'information' | 'success'

/** One file that a manifest names. */
export interface ManifestFile {
  /**
   * The type of the file's resources: `Bundle` for deleted, `OperationOutcome` for outcome files.
   * Where the output is organised by a type, that type for every output file: it holds the blocks of
   * such resources, and on the wire it has no type of its own.
   */
  readonly type: string
  readonly url: string
  /** Number of resources, which is the number of lines. */
  readonly count?: number
  /** Size in bytes of the NDJSON without any content coding. */
  readonly fileSize?: number
  /** Lower-case hexadecimal SHA-256 of the NDJSON without any content coding. */
  readonly sha256?: string
  /** URL of the file in which the last block of this one goes on; where output is organised only. */
  readonly continuesInFile?: string
  /** Numbers of OperationOutcomes by severity; on the wire of STU4 only, for outcome files only. */
  readonly countBySeverity?: Readonly<Partial<Record<IssueSeverity, number>>>
}

/** Value of an extension of a manifest, as far as every edition can write it. */
export type ManifestExtensionValue = string | number | boolean

/**
 * The Output Manifest in the neutral form that is the same for every edition (names of STU4).
 *
 * With `allowPartialManifests` it may be one page of several, and there may be pages before the export
 * is complete. Between pages only the lists of files and `next` differ (SHALL). What a page has told
 * once stays: only `next` may be added to it (SHALL).
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status | Bulk Data: Complete Status}
 */
export interface Manifest {
  /** Everything in the files is as of this instant. */
  readonly transactionTime: Date
  /** The kick-off request's URL; absent from STU4. */
  readonly request?: string
  readonly requiresAccessToken: boolean
  /** Type by whose instances the output files are organised; absent where each has one type. */
  readonly outputOrganizedBy?: string
  /** More about that, for a person; on the wire of STU4 only. */
  readonly outputOrganizedByDetail?: string
  readonly output: readonly ManifestFile[]
  readonly deleted: readonly ManifestFile[]
  readonly outcome: readonly ManifestFile[]
  /** URL of the next page of the manifest, when there is one. */
  readonly next?: string
  /** Extensions of the manifest as a whole, by URL. */
  readonly extensions?: Readonly<Record<string, ManifestExtensionValue>>
}
