import type { ExportOptions as ClientOptions, ExportParameters } from '@flatfhir/client'
import { isResourceType } from '@flatfhir/protocol'
import { UsageError } from '../../errors.ts'
import type { FileOptions } from './file-options.ts'
import type { DownloadOptions, RequestOptions } from './network-options.ts'
import type { PlanOptions } from './plan-options.ts'
import { readHeaders } from './read-headers.ts'
import { readPatients } from './read-patients.ts'

/** What makes an export what it is, as the client wants it. */
export type ClientPlan = Pick<
  ClientOptions,
  | 'level'
  | 'groupId'
  | 'parameters'
  | 'edition'
  | 'profile'
  | 'method'
  | 'lenient'
  | 'separateExportStatus'
  | 'gzip'
  | 'compactBytes'
  | 'attachments'
  | 'checkReferences'
>

/** @throws `UsageError`, `PatientFileError`. */
export async function clientPlan(options: PlanOptions & FileOptions): Promise<ClientPlan> {
  return {
    ...levelOf(options),
    parameters: await kickOffParameters(options),
    edition: options.edition,
    profile: options.vendor,
    method: options.method,
    lenient: options.lenient,
    separateExportStatus: options.separateExportStatus,
    gzip: options.gzip,
    compactBytes: options.compact,
    attachments:
      options.attachments === 'skip'
        ? undefined
        : {
            mode: options.attachments,
            maxBytes: options.maxAttachmentSize,
            mediaTypes: options.attachmentType,
          },
    checkReferences: !options.skipReferenceCheck,
  }
}

/** @throws `UsageError`. */
export function requestSettings(
  options: RequestOptions,
): Pick<
  ClientOptions,
  'headers' | 'maxRetryAfterSeconds' | 'idleTimeoutMs' | 'maxAttempts' | 'maxThrottles'
> {
  const { maxRetryAfter } = options
  return {
    headers: readHeaders(options.header ?? []),
    maxRetryAfterSeconds:
      maxRetryAfter === undefined ? undefined : Math.max(1, Math.ceil(maxRetryAfter / 1000)),
    idleTimeoutMs: Math.max(1, options.idleTimeout),
    maxAttempts: options.maxAttempts,
    maxThrottles: options.maxThrottles,
  }
}

/** Settings of the downloads. */
export function downloadSettings(
  options: DownloadOptions,
): Pick<
  ClientOptions,
  | 'concurrency'
  | 'verificationThreads'
  | 'deleteWhenDone'
  | 'maxLineBytes'
  | 'maxDecompressionRatio'
> {
  return {
    concurrency: options.concurrency,
    verificationThreads: options.threads,
    deleteWhenDone: !options.keepExport,
    maxLineBytes: options.maxLineSize,
    maxDecompressionRatio: options.maxDecompressionRatio,
  }
}

function levelOf({
  system,
  patient,
  group,
}: PlanOptions): Pick<ClientOptions, 'level' | 'groupId'> {
  const hasIds = patient !== undefined && patient !== 'all' && patient.length > 0
  if (group !== undefined) return { level: 'group', groupId: group }
  if (hasIds && system === true) {
    throw new UsageError(
      'Ids of patients do not go with --system',
      'Leave --system out to export the data of these patients.',
    )
  }
  if (hasIds || patient === 'all') return { level: 'patient' }
  if (system === true) return { level: 'system' }
  throw new UsageError('What to export is missing', 'Name --system, --patient or --group ID.')
}

async function kickOffParameters(options: PlanOptions): Promise<ExportParameters> {
  const unknown = options.type?.find((name) => !isResourceType(name))
  if (unknown !== undefined) {
    throw new UsageError(
      `--type: ${JSON.stringify(unknown)} is not a resource type of FHIR R4`,
      'Types are written like Patient or MedicationRequest.',
    )
  }
  return {
    types: options.type,
    since: options.since,
    until: options.until,
    typeFilters: options.typeFilter,
    elements: options.elements,
    patients: await readPatients(options.patient),
    includeAssociatedData: options.includeAssociatedData,
    organizeOutputBy: options.organizeOutputBy,
    allowPartialManifests: options.allowPartialManifests ? true : undefined,
    outputFormat: options.outputFormat,
    vendor: options.param?.map(vendorParameter),
  }
}

function vendorParameter(written: string): { readonly name: string; readonly value: string } {
  const at = written.indexOf('=')
  if (at < 1) {
    throw new UsageError('--param: expected NAME=VALUE', 'Such as --param _container=weekly.')
  }
  return { name: written.slice(0, at), value: written.slice(at + 1) }
}
