import { isResourceType } from '@flatfhir/protocol'
import { Cron } from 'croner'
import { readHeaders } from '../commands/export/read-headers.ts'
import type {
  Connection,
  ConnectionData,
  ConnectionLogin,
  ConnectionSource,
  ConnectionSync,
} from './connection.ts'

/** Says what is wrong with a key. */
export type Refuse = (place: readonly string[], message: string, nextStep?: string) => never

// Some providers have ids longer than FHIR's 64 characters.
const GROUP_ID = /^[A-Za-z0-9\-._~]{1,256}$/

/** Checks what one key says by itself, or beside another. */
export function checkConnection(
  { source, login, data, sinks, sync }: Omit<Connection, 'path' | 'name' | 'workDirectory'>,
  refuse: Refuse,
): void {
  checkSource(source, refuse)
  checkLogin(login, refuse)
  checkGroups(data, refuse)
  checkTypes(data, refuse)
  checkSchedule(sync, refuse)
  if (sinks.duckdb === undefined && sinks.parquet === undefined) {
    refuse(['sinks'], 'it is not said where to land', 'Give sinks.duckdb, sinks.parquet, or both.')
  }
}

function checkSource({ url, headers }: ConnectionSource, refuse: Refuse): void {
  const place = ['source', 'url']
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    refuse(place, 'expected an http or https URL', 'Such as https://ehr.example.org/fhir.')
  }
  if (parsed.username !== '' || parsed.password !== '') {
    refuse(place, 'it holds a user name or password', 'Leave them out: URLs end up in logs.')
  }
  if (parsed.search !== '' || parsed.pathname.includes('$')) {
    refuse(place, 'it is more than the base URL of a FHIR server', 'Leave out $export and ?…')
  }
  try {
    readHeaders(headers ?? [])
  } catch (error) {
    const message = error instanceof Error ? error.message.replace(/^--header: /, '') : ''
    refuse(['source', 'headers'], message)
  }
}

function checkLogin(login: ConnectionLogin, refuse: Refuse): void {
  const credentials = [
    ['key', login.key],
    ['private-key-variable', login.privateKeyVariable],
    ['client-secret-file', login.clientSecretFile],
    ['client-secret-variable', login.clientSecretVariable],
  ] as const
  const given = credentials.filter(([, value]) => value !== undefined).map(([key]) => key)
  const [first, second] = given
  if (second !== undefined) refuse(['login', second], `does not go with ${first ?? ''}`)
  if (login.clientId === undefined) {
    const lonely = first ?? (login.tokenUrl === undefined ? undefined : 'token-url')
    if (lonely !== undefined) {
      refuse(['login', lonely], 'a login needs a client id', 'Give login.client-id.')
    }
  } else if (first === undefined) {
    refuse(['login', 'client-id'], 'a login needs a key', 'Give login.key, the file of the key.')
  }
}

function checkGroups({ level, groups }: ConnectionData, refuse: Refuse): void {
  const place = ['data', 'groups']
  if (level !== 'group') {
    if (groups !== undefined) refuse(place, `Groups do not go with the level ${level}`)
    return
  }
  if (groups === undefined || groups.length === 0) {
    refuse(place, 'the level group needs ids of Groups', 'Such as groups = ["diabetes"].')
  }
  if (!groups.every((id) => GROUP_ID.test(id) && !/^\.+$/.test(id))) {
    refuse(place, 'one of them is no id', 'Ids are written without "Group/".')
  }
  if (new Set(groups).size < groups.length) refuse(place, 'one of them is there twice')
}

function checkTypes({ types, typeFilters }: ConnectionData, refuse: Refuse): void {
  const unknown = types?.findIndex((type) => !isResourceType(type)) ?? -1
  if (unknown !== -1) {
    refuse(
      ['data', 'types'],
      `the ${ordinal(unknown)} is not a resource type of FHIR R4`,
      'Types are written like Patient or MedicationRequest.',
    )
  }
  for (const [index, filter] of (typeFilters ?? []).entries()) {
    const [type = '', query = ''] = filter.split('?', 2)
    if (!isResourceType(type) || query === '') {
      refuse(
        ['data', 'type-filters'],
        `the ${ordinal(index)} is no search`,
        'Such as "Observation?category=laboratory".',
      )
    }
    if (types !== undefined && !types.includes(type)) {
      refuse(['data', 'type-filters'], `the ${ordinal(index)} is for a type that is not in types`)
    }
  }
}

function checkSchedule({ schedule, timeZone }: ConnectionSync, refuse: Refuse): void {
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    refuse(['sync', 'time-zone'], 'there is no such time zone', 'Such as America/New_York.')
  }
  if (schedule !== undefined && !isCron(schedule, timeZone)) {
    refuse(
      ['sync', 'schedule'],
      'is no cron expression that ever comes true',
      'Such as "30 3 * * *", at half past three every night, or "@weekly".',
    )
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function isCron(pattern: string, timezone: string | undefined): boolean {
  try {
    // A date would be taken too, and come true once.
    if (/^\d{4}-/.test(pattern)) return false
    const cron = new Cron(pattern, {
      paused: true,
      ...(timezone === undefined ? {} : { timezone }),
    })
    return cron.nextRun() !== null
  } catch {
    return false
  }
}

function ordinal(index: number): string {
  return ['first', 'second', 'third'][index] ?? `${index + 1}th`
}
