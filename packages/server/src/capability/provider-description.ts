import type { Edition } from '@flatfhir/protocol'
import type { StoredEncoding } from '../job-store.ts'

/** What the capabilities and their documentation say of this particular server. */
export interface ProviderDescription {
  readonly fhirBaseUrl: string
  readonly softwareVersion: string
  /** When the server took on these capabilities, which is when it started. */
  readonly startedAt: Date
  /** Where access tokens are to be had; absent while nobody has to log in. */
  readonly tokenUrl?: string
  /** Edition that `$export` speaks. */
  readonly exportEdition: Edition
  /** Largest output file, in bytes of NDJSON. */
  readonly maxFileBytes: number
  /** How long a finished export is kept, in milliseconds. */
  readonly retentionMs: number
  readonly storedEncoding: StoredEncoding
}
