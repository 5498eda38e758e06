import type { SyncConnection } from '@flatfhir/client'
import type { Connection } from '../../connection/connection.ts'
import { SecretVariableMissingError } from '../../connection/errors.ts'
import type { LoginOptions } from '../../login/login-options.ts'
import type { LoginPurpose } from '../../login/login.ts'
import { readHeaders } from '../export/read-headers.ts'

/** A connection as the engine wants it. */
export function syncConnection({ source, data, sync, alarms }: Connection): SyncConnection {
  return {
    url: source.url,
    profile: source.vendor,
    edition: source.edition,
    headers: readHeaders(source.headers ?? []),
    lenient: source.lenient,
    level: data.level,
    groupIds: data.groups,
    types: data.types,
    typeFilters: data.typeFilters,
    includeAssociatedData: data.associatedData,
    overlapMs: sync.overlap,
    reconcileEveryMs: sync.reconcile,
    backfillBatchSize: sync.joinersPerExport,
    thresholds: {
      shrinkShare: alarms.shrink,
      shrinkRows: alarms.shrinkRows,
      olderShare: alarms.sinceIgnored,
    },
  }
}

/**
 * The login of a connection, with the secrets that it names.
 *
 * @throws `SecretVariableMissingError` when it names a variable that is not set.
 */
export function connectionLogin(
  { login, name }: Connection,
  env: Readonly<Record<string, string | undefined>>,
): LoginOptions {
  const { privateKeyVariable, clientSecretVariable, ...rest } = login
  const secretIn = (variable: string | undefined): string | undefined => {
    if (variable === undefined) return undefined
    const secret = env[variable]
    if (secret === undefined || secret === '') throw new SecretVariableMissingError(variable, name)
    return secret
  }
  return {
    ...rest,
    privateKey: secretIn(privateKeyVariable),
    clientSecret: secretIn(clientSecretVariable),
  }
}

/** What a login of a connection is wanted for: the roster needs Patients, whatever the types are. */
export function connectionPurpose({ source, data }: Connection): LoginPurpose {
  const { level, types } = data
  const needsRoster = level !== 'system' && types !== undefined
  return {
    fhirBaseUrl: source.url,
    level,
    types: needsRoster ? [...new Set([...types, 'Patient'])] : types,
  }
}
