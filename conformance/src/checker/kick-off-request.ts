import { formatInstant, type ExportLevel } from '@flatfhir/protocol'

/** One entry of a Parameters resource. */
export type ParametersEntry = Readonly<Record<string, unknown>> & { readonly name: string }

/** A kick-off request that a check wants to make. */
export interface KickOff {
  readonly level: ExportLevel
  readonly method?: 'GET' | 'POST'
  /** Names and values, repeated where a name is; in the order given. */
  readonly query?: readonly (readonly [name: string, value: string])[]
  /** Entries of the Parameters resource; with `POST`. */
  readonly parameters?: readonly ParametersEntry[]
  /** Other headers, or none of a name with `undefined`. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** @defaultValue `$export` */
  readonly operation?: string
  readonly token?: 'own' | 'none' | { readonly bearer: string }
}

/** The path of a level below the FHIR base URL, with a slash at its end unless it is empty. */
export function levelPath(level: ExportLevel, groupId: string | undefined): string {
  if (level === 'system') return ''
  return level === 'patient' ? 'Patient/' : `Group/${encodeURIComponent(groupId ?? '')}/`
}

/** The headers of a kick-off request as the IG wants them. */
export function kickOffHeaders(
  changes: Readonly<Record<string, string | undefined>> = {},
): Readonly<Record<string, string>> {
  const headers: Readonly<Record<string, string | undefined>> = {
    accept: 'application/fhir+json',
    prefer: 'respond-async',
    ...changes,
  }
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** The parameters that keep an export small, for a query. */
export function smallQuery(
  type: string,
  since: Date | undefined,
): readonly (readonly [name: string, value: string])[] {
  return [
    ['_type', type],
    ...(since === undefined ? [] : ([['_since', formatInstant(since)]] as const)),
  ]
}

/** The same for the body of a POST. */
export function smallParameters(type: string, since: Date | undefined): readonly ParametersEntry[] {
  return [
    { name: '_type', valueString: type },
    ...(since === undefined ? [] : [{ name: '_since', valueInstant: formatInstant(since) }]),
  ]
}
