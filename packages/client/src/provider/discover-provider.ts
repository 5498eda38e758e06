import { BulkDataError, type Edition, type ExportLevel } from '@flatfhir/protocol'
import type { StoredProvider } from '../journal/journal-entry.ts'
import { discardBody } from '../http/provider-http.ts'
import { JSON_ENCODINGS, readJson } from '../http/read-body.ts'
import { printable } from '../printable.ts'
import { detectProfile } from '../profiles/detect-profile.ts'
import type { ProviderProfile } from '../profiles/provider-profile.ts'
import type { RunContext } from '../run-context.ts'
import { ExportOptionsInvalidError } from '../errors.ts'

const MAX_CAPABILITIES_BYTES = 32 * 1024 * 1024

/** How to talk to a provider: what it says of itself, under what the caller has laid down. */
export interface DiscoveredProvider {
  readonly provider: StoredProvider
  readonly profile: ProviderProfile
}

/**
 * Finds out edition, method and operation for the kick-off from the provider's CapabilityStatement.
 *
 * A provider without one, or with one that says nothing of use, gets what its profile says. Nothing
 * is asked when the caller has laid down edition and profile.
 *
 * @throws {@link ExportOptionsInvalidError} when the options contradict each other; the signal's
 *   reason.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#server-capability-documentation | Bulk Data: Server Capability Documentation}
 */
export async function discoverProvider(context: RunContext): Promise<DiscoveredProvider> {
  const { settings } = context
  const asks = settings.edition === 'auto' || settings.profile === 'auto'
  const statement = asks ? await requestCapabilities(context) : undefined
  const identity = identityOf(statement)
  const profile =
    settings.profile === 'auto'
      ? detectProfile({ ...identity, host: settings.baseUrl.hostname })
      : settings.profile
  const offered = offeredOperations(statement, settings.level)
  const chosen = chooseOperation(offered, context, profile)
  return {
    profile,
    provider: {
      ...chosen,
      method: methodFor(chosen.edition, context, profile),
      profile: profile.id,
      ...(identity.softwareName !== undefined && { softwareName: identity.softwareName }),
      ...(identity.softwareVersion !== undefined && { softwareVersion: identity.softwareVersion }),
      ...(identity.softwareReleaseDate !== undefined && {
        softwareReleaseDate: identity.softwareReleaseDate,
      }),
      ...(identity.fhirVersion !== undefined && { fhirVersion: identity.fhirVersion }),
    },
  }
}

type JsonRecord = Readonly<Record<string, unknown>>

async function requestCapabilities(context: RunContext): Promise<JsonRecord | undefined> {
  const { http, settings, signal } = context
  try {
    const response = await http.send({
      method: 'GET',
      url: new URL('metadata', settings.baseUrl),
      headers: { accept: 'application/fhir+json', 'accept-encoding': JSON_ENCODINGS },
      withToken: true,
      signal,
    })
    if (response.status !== 200) {
      await discardBody(response)
      return undefined
    }
    const json = await readJson(response, MAX_CAPABILITIES_BYTES)
    return isRecord(json) && json['resourceType'] === 'CapabilityStatement' ? json : undefined
  } catch (error) {
    // What is wrong will be wrong with the kick-off too, and be told better there.
    if (BulkDataError.is(error)) return undefined
    throw error
  }
}

interface Identity {
  readonly softwareName: string | undefined
  readonly softwareVersion: string | undefined
  readonly softwareReleaseDate: string | undefined
  readonly fhirVersion: string | undefined
  readonly publisher: string | undefined
  readonly implementation: string | undefined
}

function identityOf(statement: JsonRecord | undefined): Identity {
  const software = recordAt(statement, 'software')
  const implementation = recordAt(statement, 'implementation')
  const described = [textAt(implementation, 'description'), textAt(implementation, 'url')]
  return {
    softwareName: textAt(software, 'name'),
    softwareVersion: textAt(software, 'version'),
    softwareReleaseDate: textAt(software, 'releaseDate'),
    fhirVersion: textAt(statement, 'fhirVersion'),
    publisher: textAt(statement, 'publisher'),
    implementation: described.filter((text) => text !== undefined).join(' ') || undefined,
  }
}

interface OfferedOperation {
  readonly edition: Edition
  readonly operation: string
}

/** The export operations of a level, with the edition that their definition or the IG's names. */
function offeredOperations(
  statement: JsonRecord | undefined,
  level: ExportLevel,
): readonly OfferedOperation[] {
  const declared = editionOfStatement(statement)
  return listAt(statement, 'rest').flatMap((rest) => {
    const owner = { system: undefined, patient: 'Patient', group: 'Group' }[level]
    const holders =
      owner === undefined
        ? [rest]
        : listAt(rest, 'resource').filter((resource) => resource['type'] === owner)
    return holders
      .flatMap((holder) => listAt(holder, 'operation'))
      .flatMap((operation) => offeredOperation(operation, declared))
  })
}

const OPERATION_NAME = /^\$?(?:(?:patient|group)-)?(export(?:-[a-z0-9]+)?)$/

function offeredOperation(
  operation: JsonRecord,
  declared: Edition | undefined,
): readonly OfferedOperation[] {
  const match = OPERATION_NAME.exec(textAt(operation, 'name') ?? '')
  if (match === null) return []
  const definition = textAt(operation, 'definition') ?? ''
  const suffix = /-v(\d)$/.exec(match[1] ?? '')?.[1]
  const edition = editionOfVersion(definition.split('|')[1]) ?? editionOfVersion(suffix) ?? declared
  return edition === undefined ? [] : [{ edition, operation: `$${match[1] ?? 'export'}` }]
}

function editionOfStatement(statement: JsonRecord | undefined): Edition | undefined {
  const canonicals = statement?.['instantiates']
  if (!Array.isArray(canonicals)) return undefined
  for (const canonical of canonicals) {
    if (typeof canonical === 'string' && /bulk-?data/i.test(canonical)) {
      const edition = editionOfVersion(canonical.split('|')[1])
      if (edition !== undefined) return edition
    }
  }
  return undefined
}

function editionOfVersion(version: string | undefined): Edition | undefined {
  const major = /^(\d)/.exec(version ?? '')?.[1] ?? ''
  const editions: Readonly<Record<string, Edition>> = {
    ...{ '1': 'stu1', '2': 'stu2', '3': 'stu3', '4': 'stu4' },
  }
  return editions[major]
}

/** Published editions before the ballot, and of those the newest. */
const PREFERENCE: readonly Edition[] = ['stu3', 'stu2', 'stu1', 'stu4']

function chooseOperation(
  offered: readonly OfferedOperation[],
  { settings }: RunContext,
  profile: ProviderProfile,
): OfferedOperation {
  if (settings.edition !== 'auto') {
    const exact = offered.find(({ edition }) => edition === settings.edition)
    return { edition: settings.edition, operation: exact?.operation ?? '$export' }
  }
  for (const wanted of PREFERENCE) {
    const found = offered.find(({ edition }) => edition === wanted)
    if (found !== undefined) return found
  }
  return { edition: profile.edition, operation: '$export' }
}

/** STU4 knows no GET; a list of patients goes by POST only. */
function methodFor(
  edition: Edition,
  { settings }: RunContext,
  profile: ProviderProfile,
): 'GET' | 'POST' {
  const needsPost = edition === 'stu4' || settings.parameters.patients !== undefined
  if (!needsPost) return settings.method ?? profile.preferredMethod
  if (settings.method === 'GET') {
    throw new ExportOptionsInvalidError(
      'A GET kick-off goes neither with STU4 nor with a list of patients',
      { nextStep: 'Leave the method out, or choose POST.' },
    )
  }
  return 'POST'
}

function recordAt(record: JsonRecord | undefined, name: string): JsonRecord | undefined {
  const value = record?.[name]
  return isRecord(value) ? value : undefined
}

function listAt(record: JsonRecord | undefined, name: string): readonly JsonRecord[] {
  const value = record?.[name]
  return Array.isArray(value) ? value.filter(isRecord) : []
}

function textAt(record: JsonRecord | undefined, name: string): string | undefined {
  const value = record?.[name]
  return typeof value === 'string' ? printable(value) : undefined
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
