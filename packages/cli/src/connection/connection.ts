import type { SyncAlarmCode } from '@flatfhir/client'
import type { ExportLevel } from '@flatfhir/protocol'
import type { VENDORS } from '../commands/export/plan-options.ts'

/** Whence: the table `[source]`. */
export interface ConnectionSource {
  readonly url: string
  readonly vendor: (typeof VENDORS)[number]
  readonly edition: 'auto' | 'stu1' | 'stu2' | 'stu3' | 'stu4'
  /** `NAME:VALUE` each. */
  readonly headers: readonly string[] | undefined
  readonly lenient: boolean
}

/** As whom: the table `[login]`. Secrets are named, never held. */
export interface ConnectionLogin {
  readonly clientId: string | undefined
  readonly key: string | undefined
  readonly kid: string | undefined
  readonly privateKeyVariable: string | undefined
  readonly clientSecretFile: string | undefined
  readonly clientSecretVariable: string | undefined
  readonly scope: string | undefined
  readonly tokenUrl: string | undefined
  readonly jwksUrl: string | undefined
}

/** What: the table `[data]`. */
export interface ConnectionData {
  readonly level: ExportLevel
  readonly groups: readonly string[] | undefined
  readonly types: readonly string[] | undefined
  readonly typeFilters: readonly string[] | undefined
  readonly associatedData: readonly string[] | undefined
}

/** Whither: the table `[sinks]`. */
export interface ConnectionSinks {
  readonly duckdb: string | undefined
  readonly parquet: string | undefined
}

/** How: the table `[sync]`. Times are in milliseconds. */
export interface ConnectionSync {
  readonly schedule: string | undefined
  readonly timeZone: string | undefined
  readonly overlap: number
  readonly reconcile: number | 'never'
  readonly joinersPerExport: number
  readonly workDirectory: string | undefined
}

/** When to stop before the commit: the table `[alarms]`. Shares are from 0 to 1. */
export interface ConnectionAlarms {
  readonly sinceIgnored: number
  readonly shrink: number
  readonly shrinkRows: number
}

/** A connection as its file says it: checked, and with its paths made absolute. */
export interface Connection {
  /** Absolute path of the file. */
  readonly path: string
  /** The file as it was named. */
  readonly name: string
  readonly source: ConnectionSource
  readonly login: ConnectionLogin
  readonly data: ConnectionData
  readonly sinks: ConnectionSinks
  readonly sync: ConnectionSync
  readonly alarms: ConnectionAlarms
  /** Where unfinished runs and reports are. */
  readonly workDirectory: string
}

/** Every alarm that a run can be told to go on after. */
export const ALARM_CODES: readonly SyncAlarmCode[] = [
  'EXPORT_INCOMPLETE',
  'SINCE_IGNORED',
  'CLOCK_BACKWARDS',
  'SUSPICIOUS_SHRINK',
]
