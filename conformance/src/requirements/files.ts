import { STU2 } from './editions.ts'
import type { Requirements } from './requirement.ts'

/** Output files and attachments. */
export const FILES_REQUIREMENTS: Requirements = {
  'hl7.fhir.uv.bulkdata_2.0.0@202': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'Of each resource the export holds the newest version only.',
    source: `${STU2}export.html#bulk-data-output-file-request`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@204': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'A file is a GET of its URL.',
    source: `${STU2}export.html#endpoint-2`,
    blackBox: 'files',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@206': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'A file is answered with 200.',
    source: `${STU2}export.html#response---success-2`,
    blackBox: 'files',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@207': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The Content-Type of a file matches its format.',
    source: `${STU2}export.html#response---success-2`,
    blackBox: 'files',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@208': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'NDJSON files come as application/fhir+ndjson.',
    source: `${STU2}export.html#response---success-2`,
    blackBox: 'files',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@209': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'A file holds one resource in JSON per line.',
    source: `${STU2}export.html#response---success-2`,
    blackBox: 'files',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@210': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'A file that cannot be had is answered with 4XX or 5XX.',
    source: `${STU2}export.html#response---error`,
    blackBox: 'file-access',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@211': {
    actor: 'server',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: 'Attachments have a contentType.',
    source: `${STU2}export.html#attachments`,
    reason:
      'flatfhir hands resources on as they were written, byte for byte, and invents no contentType; an attachment has one when the source gave one.',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@212': {
    actor: 'server',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: 'Attachments have data or a url.',
    source: `${STU2}export.html#attachments`,
    reason:
      'flatfhir hands resources on as they were written, byte for byte; an attachment has data or a url when the source gave one.',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@213': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'URLs of attachments are absolute and lead to the content.',
    source: `${STU2}export.html#attachments`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@214': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'Where the manifest asks for a token, a token opens the attachments too.',
    source: `${STU2}export.html#attachments`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@215': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior:
      'Where the manifest asks for a token, nothing but the token is needed for attachments.',
    source: `${STU2}export.html#attachments`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@216': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'Where the manifest asks for no token, attachments can be fetched without one.',
    source: `${STU2}export.html#attachments`,
  },
}
