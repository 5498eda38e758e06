import { type Clock, systemClock } from './clock.ts'
import { ExportOptionsInvalidError } from './errors.ts'
import type { AccessTokenSource, AttachmentOptions, ExportOptions } from './export-options.ts'
import type { ExportEvent } from './export-event.ts'
import { profileFor } from './provider/plan.ts'
import type { ProviderProfile } from './profiles/provider-profile.ts'

/** {@link ExportOptions} with every default filled in and every value checked. */
export interface ExportSettings {
  /** Ends with `/`; no query, no fragment. */
  readonly baseUrl: URL
  readonly level: ExportOptions['level']
  readonly groupId: string | undefined
  readonly parameters: NonNullable<ExportOptions['parameters']>
  /** `undefined`: whatever suits the provider. */
  readonly method: 'GET' | 'POST' | undefined
  readonly edition: NonNullable<ExportOptions['edition']>
  readonly profile: ProviderProfile | 'auto'
  readonly lenient: boolean
  readonly separateExportStatus: boolean
  readonly compactBytes: number | undefined
  readonly attachments: AttachmentOptions | undefined
  readonly checkReferences: boolean
  readonly onAbort: 'delete' | 'keep'
  readonly directory: string
  readonly gzip: boolean
  readonly concurrency: number
  readonly verificationThreads: number
  readonly deleteWhenDone: boolean
  /** `undefined`: what the vendor's profile says. */
  readonly maxRetryAfterSeconds: number | undefined
  readonly idleTimeoutMs: number
  readonly maxAttempts: number
  readonly maxThrottles: number
  readonly maxLineBytes: number
  readonly maxDecompressionRatio: number
  readonly headers: Readonly<Record<string, string>>
  readonly accessToken: AccessTokenSource | undefined
  readonly onEvent: (event: ExportEvent) => void
  readonly clock: Clock
  readonly random: () => number
}

/**
 * Fills in defaults and checks what comes from the user.
 *
 * @throws {@link ExportOptionsInvalidError}
 */
export function resolveSettings(options: ExportOptions): ExportSettings {
  return {
    baseUrl: fhirBaseUrl(options.url),
    level: options.level,
    groupId: checkedGroupId(options),
    parameters: options.parameters ?? {},
    method: options.method,
    edition: options.edition ?? 'auto',
    profile: profileFor(options.profile),
    lenient: options.lenient ?? false,
    separateExportStatus: options.separateExportStatus ?? false,
    attachments: options.attachments,
    checkReferences: options.checkReferences ?? true,
    onAbort: options.onAbort ?? 'delete',
    directory: options.directory,
    gzip: options.gzip ?? false,
    deleteWhenDone: options.deleteWhenDone ?? true,
    headers: options.headers ?? {},
    accessToken: options.accessToken,
    onEvent: options.onEvent ?? (() => undefined),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    ...resolveLimits(options),
  }
}

function resolveLimits(
  options: ExportOptions,
): Pick<
  ExportSettings,
  | 'concurrency'
  | 'verificationThreads'
  | 'maxRetryAfterSeconds'
  | 'compactBytes'
  | 'idleTimeoutMs'
  | 'maxAttempts'
  | 'maxThrottles'
  | 'maxLineBytes'
  | 'maxDecompressionRatio'
> {
  return {
    concurrency: positive('concurrency', options.concurrency ?? 5),
    verificationThreads: positive('verificationThreads', options.verificationThreads ?? 2),
    maxRetryAfterSeconds: optional('maxRetryAfterSeconds', options.maxRetryAfterSeconds),
    compactBytes: optional('compactBytes', options.compactBytes),
    idleTimeoutMs: positive('idleTimeoutMs', options.idleTimeoutMs ?? 60_000),
    maxAttempts: positive('maxAttempts', options.maxAttempts ?? 5),
    maxThrottles: positive('maxThrottles', options.maxThrottles ?? 100),
    maxLineBytes: positive('maxLineBytes', options.maxLineBytes ?? 64 * 1024 * 1024),
    maxDecompressionRatio: positive('maxDecompressionRatio', options.maxDecompressionRatio ?? 400),
  }
}

function optional(name: string, value: number | undefined): number | undefined {
  return value === undefined ? undefined : positive(name, value)
}

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new ExportOptionsInvalidError(`${name} must be a whole number above 0`)
}

/** @throws {@link ExportOptionsInvalidError} */
export function fhirBaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new ExportOptionsInvalidError('The FHIR base URL is not an http or https URL', {
      nextStep: 'Give the base URL of the FHIR server, for example https://ehr.example.org/fhir',
    })
  }
  if (url.username !== '' || url.password !== '') {
    throw new ExportOptionsInvalidError('The FHIR base URL holds a user name or password', {
      nextStep: 'Leave them out of the URL: URLs end up in logs.',
    })
  }
  if (url.pathname.includes('$')) {
    throw new ExportOptionsInvalidError('The FHIR base URL names an operation', {
      nextStep: 'Give the base URL only; the level says which $export is called.',
    })
  }
  url.search = ''
  url.hash = ''
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

// Some providers have ids longer than FHIR's 64 characters, so only what would change the path is
// refused.
const GROUP_ID = /^[A-Za-z0-9\-._~]{1,256}$/

/** @throws {@link ExportOptionsInvalidError} */
export function checkedGroupId({
  level,
  groupId,
}: Pick<ExportOptions, 'level' | 'groupId'>): string | undefined {
  if (level !== 'group') {
    if (groupId === undefined) return undefined
    throw new ExportOptionsInvalidError(`A Group id does not go with the level ${level}`)
  }
  if (groupId !== undefined && GROUP_ID.test(groupId) && !/^\.+$/.test(groupId)) return groupId
  throw new ExportOptionsInvalidError('The level group needs the id of a Group', {
    nextStep: 'Give the id that the provider has for the Group, without "Group/".',
  })
}
