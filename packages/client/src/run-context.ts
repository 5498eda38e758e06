import type { ExportEvent } from './export-event.ts'
import type { ProviderHttp } from './http/provider-http.ts'
import type { ProviderProfile } from './profiles/provider-profile.ts'
import type { ExportSettings } from './settings.ts'

/** What every step of a run is given. */
export interface RunContext {
  readonly settings: ExportSettings
  /** What is known of the provider's manners. */
  readonly profile: ProviderProfile
  readonly http: ProviderHttp
  /** The caller's signal. */
  readonly signal: AbortSignal | undefined
  readonly emit: (event: ExportEvent) => void
}
