/** What an output file holds: resources, deletions, or OperationOutcomes. */
export type OutputFileKind = 'output' | 'deleted' | 'outcome'

/** One file that a manifest names. */
export interface ManifestFile {
  /** The type of the file's resources: `Bundle` for deleted, `OperationOutcome` for outcome files. */
  readonly type: string
  readonly url: string
  /** Number of resources, which is the number of lines. */
  readonly count?: number
  /** Size in bytes of the NDJSON without any content coding. */
  readonly fileSize?: number
  /** Lower-case hexadecimal SHA-256 of the NDJSON without any content coding. */
  readonly sha256?: string
}

/**
 * The Output Manifest in the neutral form that is the same for every edition (names of STU4).
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status | Bulk Data: Complete Status}
 */
export interface Manifest {
  /** Everything in the files is as of this instant. */
  readonly transactionTime: Date
  /** The kick-off request's URL; absent from STU4. */
  readonly request?: string
  readonly requiresAccessToken: boolean
  readonly output: readonly ManifestFile[]
  readonly deleted: readonly ManifestFile[]
  readonly outcome: readonly ManifestFile[]
  /** URL of the next page of the manifest, when there is one. */
  readonly next?: string
}
