import { STU2 } from './editions.ts'
import type { Requirements } from './requirement.ts'

/** The Data Consumer. */
export const CLIENT_REQUIREMENTS: Requirements = {
  'hl7.fhir.uv.bulkdata_2.0.0@15': {
    actor: 'client',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The client asks for access tokens.',
    source: `${STU2}export.html#roles`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@16': {
    actor: 'client',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The client takes the access token that it was given, and sends it.',
    source: `${STU2}export.html#roles`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@17': {
    actor: 'client',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The client asks for Bulk Data files.',
    source: `${STU2}export.html#roles`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@18': {
    actor: 'client',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The client stores the Bulk Data files that it gets.',
    source: `${STU2}export.html#roles`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@43': {
    actor: 'client',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: 'The client sends Accept with the kick-off.',
    source: `${STU2}export.html#headers`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@45': {
    actor: 'client',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: 'The client sends Prefer: respond-async with the kick-off.',
    source: `${STU2}export.html#headers`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@104': {
    actor: 'client',
    strength: 'SHALL NOT',
    edition: 'STU2',
    behavior: 'The client sends no search result parameters in _typeFilter.',
    source: `${STU2}export.html#query-parameters`,
    reason:
      'flatfhir sends the queries that its user gives, word for word; a provider refuses those that it cannot run, and the refusal is shown.',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@114': {
    actor: 'client',
    strength: 'SHALL NOT',
    edition: 'STU2',
    behavior: 'The client sends no search result parameters in _typeFilter.',
    source: `${STU2}export.html#_typefilter-experimental-query-parameter`,
    reason:
      'flatfhir sends the queries that its user gives, word for word; a provider refuses those that it cannot run, and the refusal is shown.',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@115': {
    actor: 'client',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: 'A server that ignores _typeFilter does not break the client.',
    source: `${STU2}export.html#_typefilter-experimental-query-parameter`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@124': {
    actor: 'client',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: 'The client waits longer from one status request to the next.',
    source: `${STU2}export.html#bulk-data-status-request`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@126': {
    actor: 'client',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: 'The client waits as long as Retry-After says.',
    source: `${STU2}export.html#bulk-data-status-request`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@130': {
    actor: 'client',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: 'The client sends Accept: application/json with status requests.',
    source: `${STU2}export.html#bulk-data-status-request`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@201': {
    actor: 'client',
    strength: 'SHALL',
    edition: 'STU2',
    behavior:
      'Where the manifest asks for a token, the client sends one with the request for a file.',
    source: `${STU2}export.html#bulk-data-output-file-request`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@295': {
    actor: 'client',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The client talks to servers over TLS 1.2 or newer.',
    source: `${STU2}export.html#privacy-and-security-considerations`,
    provenElsewhere: 'packages/cli/test/tls.test.ts',
  },
}
