import type { ProviderProfile } from '../profiles/provider-profile.ts'
import type { CohortFolder, ProviderAccess } from './cohort-folder.ts'
import type { SyncEvent } from './sync-event.ts'
import type { SyncOptions } from './sync-options.ts'
import type { SyncAlarmCode } from './sync-report.ts'
import type { SyncCohort, SyncSettings } from './sync-settings.ts'

type WithoutCohort<Event> = Event extends SyncEvent ? Omit<Event, 'cohort'> : never

/** What every step of the runs of one cohort is given. */
export interface CohortContext extends SyncCohort {
  readonly options: SyncOptions
  readonly settings: SyncSettings
  readonly folder: CohortFolder
  readonly profile: ProviderProfile
  readonly definition: string
  readonly access: ProviderAccess
  /** Tells of an event; throws the signal's reason when the run is to end. */
  readonly emit: (event: WithoutCohort<SyncEvent>) => void
  readonly now: () => Date
  readonly accepts: (code: SyncAlarmCode) => boolean
}
