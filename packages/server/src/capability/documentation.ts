import { ASSOCIATED_DATA, SUPPORTING_TYPES } from '@flatfhir/protocol'
import { EXPORT_LEVELS, operationDefinitions, servedOperations } from './export-capabilities.ts'
import type { ProviderDescription } from './provider-description.ts'

/** A question about a Data Provider, and this one's answer. Plain text. */
export interface DocumentedTopic {
  readonly question: string
  readonly answer: string
}

const HOUR_MS = 3_600_000

/**
 * What the IG asks Data Providers to document, answered from the running configuration.
 *
 * @see {@link https://build.fhir.org/ig/HL7/bulk-data/export.html#data-provider-capability-documentation | Bulk Data (STU4 ballot): Capability Documentation}
 */
export function documentedTopics(input: ProviderDescription): readonly DocumentedTopic[] {
  return [
    ...contentTopics(input),
    ...requestTopics(input),
    {
      question: 'How are Groups maintained, and what can a member-filter hold?',
      answer:
        'Members, nested Groups, inactive members and periods count as of the transactionTime of an ' +
        'export. A Group with member-filter extensions is evaluated for each export, as of its ' +
        'transactionTime, over the Patient and its compartment; every search parameter of the ' +
        'CapabilityStatement can be used. Filters that are not supported are refused when the Group ' +
        'is created.',
    },
    {
      question: 'How does a client log in, and who sees an export?',
      answer:
        input.tokenUrl === undefined
          ? 'This server is open: it listens on loopback addresses only.'
          : `By SMART Backend Services, at ${input.tokenUrl}. An export, its manifest and its files ` +
            'are there for the client that kicked it off, and for nobody else.',
    },
    {
      question: 'How long is an export kept?',
      answer:
        `For ${hours(input.retentionMs)} after it is complete, or until it is deleted. The status ` +
        'answer says when in its Expires header.',
    },
  ]
}

function contentTopics(input: ProviderDescription): readonly DocumentedTopic[] {
  return [
    {
      question: 'Are responses restricted to a profile?',
      answer: 'No. Resources are exported as they were written, of every type of FHIR R4.',
    },
    {
      question: 'How is output divided into files?',
      answer:
        `A file holds resources of one type and is at most ${input.maxFileBytes} bytes of NDJSON ` +
        'large, or less with _maximumFileSize. A single larger resource has a file of its own; one ' +
        'larger than _maximumFileSize is reported in an outcome file instead. With ' +
        'organizeOutputBy=Patient a file holds blocks, each with everything of one patient. Files ' +
        `are stored ${input.storedEncoding === 'gzip' ? 'gzip-compressed' : 'uncompressed'}, and ` +
        'sent gzip-compressed to clients that accept it. Count, size and SHA-256 are in the manifest.',
    },
    {
      question: 'Which supporting resources are included?',
      answer:
        'At Patient and Group level what the patients’ resources refer to, directly or over other ' +
        `such resources, once each: ${[...SUPPORTING_TYPES].join(', ')}. With _since what changed, ` +
        'and what is referred to since then.',
    },
    {
      question: 'Are Binary resources and attachments exported?',
      answer:
        'Attachments are exported with the data or the URL that they were written with; the URL of a ' +
        'Binary of this server is made absolute, and answers with the content, to an access token ' +
        'with read access to Binary where tokens are required. Binary resources are exported at system ' +
        'level only: those whose securityContext leads to a patient as DocumentReference resources ' +
        'with the content in them, all others as Binary.',
    },
    {
      question: 'What does _since return for patients who joined a Group after it?',
      answer:
        'Everything of them, also what was modified before. The same holds at Patient level for ' +
        'patients who are there only since then. What was deleted is told in deleted files.',
    },
  ]
}

function requestTopics(input: ProviderDescription): readonly DocumentedTopic[] {
  return [
    {
      question: 'Which levels, operations and parameters are supported?',
      answer: EXPORT_LEVELS.map((level) => levelText(level, input)).join('\n'),
    },
    {
      question: 'Which values of _outputFormat are supported?',
      answer: 'application/fhir+ndjson, also as application/ndjson and ndjson.',
    },
    {
      question: 'Which values of includeAssociatedData are supported?',
      answer: [...ASSOCIATED_DATA].join(', '),
    },
    {
      question: 'What happens to parameters that are not supported?',
      answer:
        'The request is refused with 400. With Prefer: handling=lenient they are ignored, and ' +
        'reported in an outcome file.',
    },
  ]
}

function levelText(level: (typeof EXPORT_LEVELS)[number], input: ProviderDescription): string {
  const definitions = operationDefinitions(input)
  const operations = servedOperations(level, input.exportEdition).map(({ path, id, methods }) => {
    const parameters = definitions.get(id)?.['parameter'] as readonly { name: string }[]
    const names = parameters.map(({ name }) => name).join(', ')
    return `${path} (${methods.join(' and ')}): ${names}.`
  })
  return `${level}: ${operations.join(' ')}`
}

function hours(ms: number): string {
  const count = Math.round((10 * ms) / HOUR_MS) / 10
  return count === 1 ? '1 hour' : `${count} hours`
}
