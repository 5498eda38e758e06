import { parseInstant } from '@flatfhir/protocol'
import { ExportOptionsInvalidError } from '../errors.ts'
import type { ExportOptions, ResumeOptions } from '../export-options.ts'
import type { ExportParameters } from '../export-parameters.ts'
import type { StoredPlan } from '../journal/journal-entry.ts'
import { GENERIC_PROFILE, profileOf } from '../profiles/profiles.ts'
import type { ProviderProfile } from '../profiles/provider-profile.ts'
import { checkedGroupId, fhirBaseUrl } from '../settings.ts'

/**
 * What of the options makes an export what it is, ready for the journal.
 *
 * @throws {@link ExportOptionsInvalidError}
 */
export function planOf(options: ExportOptions): StoredPlan {
  const groupId = checkedGroupId(options)
  checkParameters(options.parameters ?? {})
  if (options.compactBytes !== undefined && options.gzip === true) {
    throw new ExportOptionsInvalidError('compactBytes does not go with gzip')
  }
  return {
    url: fhirBaseUrl(options.url).href,
    level: options.level,
    ...(groupId !== undefined && { groupId }),
    parameters: storedParameters(options.parameters ?? {}),
    edition: options.edition ?? 'auto',
    ...(options.method !== undefined && { method: options.method }),
    profile: typeof options.profile === 'object' ? options.profile.id : (options.profile ?? 'auto'),
    lenient: options.lenient ?? false,
    separateExportStatus: options.separateExportStatus ?? false,
    gzip: options.gzip ?? false,
    ...(options.compactBytes !== undefined && { compactBytes: options.compactBytes }),
    ...(options.attachments !== undefined && { attachments: options.attachments }),
    checkReferences: options.checkReferences ?? true,
  }
}

/** The plan of a journal as the options that it was made of. */
export function optionsOf(plan: StoredPlan, resume: ResumeOptions): ExportOptions {
  const { parameters, profile, ...rest } = plan
  return { ...rest, profile, ...resume, parameters: readParameters(parameters) }
}

/** Whether two plans ask for the same export. */
export function isSamePlan(a: StoredPlan, b: StoredPlan): boolean {
  return canonical(a) === canonical(b)
}

/** @throws {@link ExportOptionsInvalidError} when there is no profile with that id. */
export function profileFor(
  profile: ProviderProfile | string | undefined,
): ProviderProfile | 'auto' {
  if (profile === undefined || profile === 'auto') return 'auto'
  if (typeof profile === 'object') return profile
  const found = profileOf(profile)
  if (found !== undefined) return found
  throw new ExportOptionsInvalidError('There is no vendor profile of that name', {
    nextStep: `Choose auto, ${GENERIC_PROFILE.id}, or one of the vendors in the documentation.`,
  })
}

function storedParameters(parameters: ExportParameters): Readonly<Record<string, unknown>> {
  const { since, until, ...rest } = parameters
  return JSON.parse(
    JSON.stringify({ ...rest, since: since?.toISOString(), until: until?.toISOString() }),
  ) as Readonly<Record<string, unknown>>
}

/** Only ever given what {@link storedParameters} wrote. */
function readParameters(stored: Readonly<Record<string, unknown>>): ExportParameters {
  const { since, until, ...rest } = stored
  const instant = (value: unknown): Date | undefined =>
    typeof value === 'string' ? parseInstant(value) : undefined
  return { ...rest, since: instant(since), until: instant(until) }
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

const OWN_NAMES: ReadonlySet<string> = new Set([
  ...['_outputFormat', '_since', '_until', '_type', '_typeFilter', '_elements', 'patient'],
  ...['includeAssociatedData', 'organizeOutputBy', 'allowPartialManifests'],
])

/** An empty list would ask for everything, which is not what it says. */
function checkParameters(parameters: ExportParameters): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (Array.isArray(value) && value.length === 0) {
      throw new ExportOptionsInvalidError(`The parameter ${name} is an empty list`, {
        nextStep: 'Leave it out to set no such limit.',
      })
    }
    if (Array.isArray(value) && value.includes('')) {
      throw new ExportOptionsInvalidError(`The parameter ${name} has an empty value`)
    }
  }
  for (const { name } of parameters.vendor ?? []) {
    if (name === '' || OWN_NAMES.has(name)) {
      throw new ExportOptionsInvalidError('A vendor parameter has no name, or one of the IG', {
        nextStep: 'Use the option of the same name.',
      })
    }
  }
}
