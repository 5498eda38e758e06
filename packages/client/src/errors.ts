import { BulkDataError } from '@flatfhir/protocol'
import type { OutcomeIssueCode } from './outcome-issues.ts'

/** The FHIR base URL, or another setting that comes from the user, cannot be used. */
export class ExportOptionsInvalidError extends BulkDataError {
  readonly code = 'EXPORT_OPTIONS_INVALID'
  readonly retryable = false
}

/** Why an export's folder is refused. */
export type DirectoryFault = 'not-empty' | 'in-use' | 'not-writable' | 'other-export' | 'ended'

const DIRECTORY_FAULTS: Readonly<Record<DirectoryFault, readonly [string, string]>> = {
  'not-empty': [
    'The folder already holds files; nothing was overwritten',
    'Choose a new or empty folder for this export.',
  ],
  'in-use': [
    'Another export writes to this folder',
    'Wait until it has ended, or choose another folder.',
  ],
  'other-export': [
    'The folder holds an export with other options',
    'Choose a new folder, or run with the options of the first time.',
  ],
  ended: [
    'The export in this folder was cancelled, or has ended at the provider',
    'Choose a new folder for the next export.',
  ],
  'not-writable': [
    'The folder cannot be made or written',
    'Check the path, the permissions and the free space.',
  ],
}

/** The folder for the files cannot take an export. */
export class ExportDirectoryRefusedError extends BulkDataError {
  readonly code = 'EXPORT_DIRECTORY_REFUSED'
  readonly retryable = false
  readonly fault: DirectoryFault
  readonly directory: string

  constructor(fault: DirectoryFault, directory: string, cause?: unknown) {
    const [message, nextStep] = DIRECTORY_FAULTS[fault]
    super(`${message}: ${directory}`, { nextStep, cause })
    this.fault = fault
    this.directory = directory
  }
}

/** What keeps the client from talking to a host. */
export type ConnectionFault =
  | 'unknown-host'
  | 'refused'
  | 'unreachable'
  | 'certificate'
  | 'tls'
  | 'connect-timeout'
  | 'idle-timeout'
  | 'closed'
  | 'not-http'

const CONNECTION_FAULTS: Readonly<Record<ConnectionFault, readonly [string, string]>> = {
  'unknown-host': [
    'The name of the host cannot be resolved',
    'Check the spelling of the URL and the DNS or VPN of this machine.',
  ],
  refused: [
    'The host refused the connection',
    'Check that the server runs and that the URL has the right port.',
  ],
  unreachable: [
    'The host cannot be reached',
    'Check the network, VPN and firewall between this machine and the server.',
  ],
  certificate: [
    "The host's TLS certificate is not trusted",
    'If the certificate is from a private authority, name its file in NODE_EXTRA_CA_CERTS.',
  ],
  tls: [
    'No TLS connection could be made',
    'Check that the URL begins with http or https as the server expects, and its TLS version.',
  ],
  'connect-timeout': [
    'The host did not answer in time',
    'Check the URL and that no firewall drops the connection, then run again.',
  ],
  'idle-timeout': [
    'The connection went silent',
    'Run again, with a longer idle timeout if the server is known to be slow.',
  ],
  closed: ['The connection was closed before the answer was complete', 'Run again.'],
  'not-http': [
    'The answer is not HTTP',
    'Check that the URL has the right port and begins with http or https as the server expects.',
  ],
}

/** A host could not be reached, or the connection to it was lost, as often as it was tried. */
export class ProviderUnreachableError extends BulkDataError {
  readonly code = 'PROVIDER_UNREACHABLE'
  readonly retryable = true
  readonly fault: ConnectionFault
  /** Scheme, host and port. */
  readonly origin: string

  constructor(fault: ConnectionFault, origin: string) {
    const [message, nextStep] = CONNECTION_FAULTS[fault]
    super(`${message}: ${origin}`, { nextStep })
    this.fault = fault
    this.origin = origin
  }
}

/** The request that an answer is about. */
export type RequestName = 'Kick-off' | 'Status' | 'Manifest page' | 'Delete'

function nextStepFor(status: number): string {
  switch (status) {
    case 401:
      return 'The provider wants a valid access token: check the client id, key and token URL.'
    case 403:
      return 'This client may not do that: ask the provider to grant the scopes or the Group.'
    case 404:
      return 'Check the FHIR base URL, the export level and the Group id.'
    case 405:
      return 'The provider does not take this method: try the other of GET and POST.'
    case 429:
      return 'The provider limits how often a client may export: run again later.'
    case 400:
    case 422:
      return "Check the parameters against the provider's documentation."
    default:
      return status >= 500
        ? 'The provider has a problem of its own: run again later, or tell its operator.'
        : "Check the request against the provider's documentation."
  }
}

/** A request was answered with an HTTP status that ends the run. */
export class RequestRejectedError extends BulkDataError {
  readonly code = 'REQUEST_REJECTED'
  readonly retryable: boolean
  readonly request: RequestName
  readonly status: number
  /** Severity and code of each issue of the OperationOutcome, when the provider sent one. */
  readonly issues: readonly OutcomeIssueCode[]

  constructor(request: RequestName, status: number, issues: readonly OutcomeIssueCode[] = []) {
    super(`${request} request was rejected with HTTP ${status}${describeIssues(issues)}`, {
      nextStep: nextStepFor(status),
    })
    this.request = request
    this.status = status
    this.issues = issues
    this.retryable = status === 429 || status >= 500
  }
}

/** The provider says that the export job failed. */
export class ExportFailedError extends BulkDataError {
  readonly code = 'EXPORT_FAILED'
  readonly retryable = true
  readonly status: number
  /** Severity and code of each issue of the OperationOutcome, when the provider sent one. */
  readonly issues: readonly OutcomeIssueCode[]

  constructor(status: number, issues: readonly OutcomeIssueCode[] = []) {
    super(`The provider's export job failed with HTTP ${status}${describeIssues(issues)}`, {
      nextStep: "Run again; if it fails again, ask the provider's operator for the reason.",
    })
    this.status = status
    this.issues = issues
  }
}

/** An answer of the provider lacks what the specification demands. */
export class ProviderAnswerInvalidError extends BulkDataError {
  readonly code = 'PROVIDER_ANSWER_INVALID'
  readonly retryable = false

  constructor(message: string) {
    super(message, {
      nextStep:
        "Check that the URL is a FHIR base with Bulk Data Access; tell the server's operator.",
    })
  }
}

/** Why a redirect, or a URL that the provider names, is not followed. */
export type RedirectFault = 'too-many' | 'insecure' | 'no-location' | 'not-http' | 'method-change'

const REDIRECT_FAULTS: Readonly<Record<RedirectFault, string>> = {
  'too-many': 'The provider redirects in circles, or too often',
  insecure: 'The provider redirects from https to http, where data would travel unprotected',
  'no-location': 'The provider redirects without saying where to',
  'not-http': 'The provider redirects to something that is not an http or https URL',
  'method-change': 'The provider answers with a redirect that would change the method',
}

/** A redirect was not followed. */
export class RedirectRefusedError extends BulkDataError {
  readonly code = 'REDIRECT_REFUSED'
  readonly retryable = false
  readonly fault: RedirectFault

  constructor(fault: RedirectFault) {
    super(REDIRECT_FAULTS[fault], { nextStep: 'Use the URL that the provider redirects to.' })
    this.fault = fault
  }
}

/** The caller's signal ended the run. */
export class ExportAbortedError extends BulkDataError {
  readonly code = 'EXPORT_ABORTED'
  readonly retryable = true
  /** `true` when the provider confirmed that the export is deleted, or none had been started. */
  readonly deleted: boolean

  constructor(deleted: boolean, kept = false) {
    const [message, nextStep] = kept
      ? ['The export was interrupted', 'Run the same command again to go on where it stopped.']
      : deleted
        ? [
            'The export was abandoned, and deleted at the provider',
            'Run again, with a new folder if files are there already.',
          ]
        : [
            'The export was abandoned; the provider did not confirm that it deleted it',
            'Run again, with a new folder if files are there already.',
          ]
    super(message, { nextStep })
    this.deleted = deleted
  }
}

function describeIssues(issues: readonly OutcomeIssueCode[]): string {
  if (issues.length === 0) return ''
  const texts = new Set(issues.map(({ severity, code }) => `${severity} ${code}`))
  return ` (${[...texts].slice(0, 5).join(', ')})`
}

/** Why a folder's journal cannot be used. */
export type JournalFault = 'damaged' | 'too-new' | 'missing'

const JOURNAL_FAULTS: Readonly<Record<JournalFault, readonly [string, string]>> = {
  damaged: [
    'The journal of the export in this folder is damaged',
    'Export again into a new folder; the files that are there stay as they are.',
  ],
  'too-new': [
    'The export in this folder was begun by a newer release of flatfhir',
    'Go on with that release, or export again into a new folder.',
  ],
  missing: ['There is no export in this folder', 'Check the path, or start an export there.'],
}

/** The journal of an export cannot be read. */
export class JournalInvalidError extends BulkDataError {
  readonly code = 'JOURNAL_INVALID'
  readonly retryable = false
  readonly fault: JournalFault
  readonly directory: string

  constructor(fault: JournalFault, directory: string) {
    const [message, nextStep] = JOURNAL_FAULTS[fault]
    super(`${message}: ${directory}`, { nextStep })
    this.fault = fault
    this.directory = directory
  }
}

/** There is no receipt in a folder, or it cannot be read. */
export class ReceiptInvalidError extends BulkDataError {
  readonly code = 'RECEIPT_INVALID'
  readonly retryable = false
  readonly directory: string

  constructor(directory: string) {
    super(`There is no receipt that can be read in ${directory}`, {
      nextStep: 'Check the path; a receipt is written when an export has been collected.',
    })
    this.directory = directory
  }
}

/** Another process syncs in the same work directory. */
export class SyncInProgressError extends BulkDataError {
  readonly code = 'SYNC_IN_PROGRESS'
  readonly retryable = true
  readonly directory: string

  constructor(directory: string) {
    super(`Another sync works in ${directory}`, {
      nextStep: 'Wait until it has ended. If it was killed, nothing is in the way of the next run.',
    })
    this.directory = directory
  }
}

/** The work directory of a sync holds what this release cannot go on with. */
export class SyncWorkDirectoryInvalidError extends BulkDataError {
  readonly code = 'SYNC_WORK_DIRECTORY_INVALID'
  readonly retryable = false
  readonly directory: string

  constructor(directory: string) {
    super(`The run in ${directory} was begun by a newer release of flatfhir`, {
      nextStep:
        'Go on with that release, or remove the folder: the state of a sync is in its sink.',
    })
    this.directory = directory
  }
}

/** Somebody else landed data of the same cohort while a run exported. */
export class SyncSupersededError extends BulkDataError {
  readonly code = 'SYNC_SUPERSEDED'
  readonly retryable = true

  constructor() {
    super(
      'The landed data of this cohort changed while its run was exporting; nothing was landed',
      {
        nextStep: 'Run again. Give each sink one work directory, so that runs wait for each other.',
      },
    )
  }
}

/** Why a folder is not loaded. */
export type LoadFault = 'incomplete' | 'not-finished' | 'file-missing' | 'file-changed' | 'empty'

const LOAD_FAULTS: Readonly<Record<LoadFault, readonly [string, string]>> = {
  incomplete: [
    'The export in this folder is not complete',
    'Run the export again to fetch what is missing, or accept that it is incomplete.',
  ],
  'not-finished': [
    'The export in this folder has not ended',
    'Run the same export again: it goes on where it stopped.',
  ],
  'file-missing': [
    'A file of the export is not in the folder',
    'Put it back, or export again into a new folder.',
  ],
  'file-changed': [
    'A file of the export has not the size that its receipt says',
    'Put the original back, or export again into a new folder.',
  ],
  empty: [
    'There are no files of NDJSON in this folder',
    'Name the folder that holds the *.ndjson or *.ndjson.gz files themselves.',
  ],
}

/** A folder of files is not loaded. */
export class LoadRefusedError extends BulkDataError {
  readonly code = 'LOAD_REFUSED'
  readonly retryable = false
  readonly fault: LoadFault
  readonly directory: string

  constructor(fault: LoadFault, directory: string) {
    const [message, nextStep] = LOAD_FAULTS[fault]
    super(`${message}: ${directory}`, { nextStep })
    this.fault = fault
    this.directory = directory
  }
}
