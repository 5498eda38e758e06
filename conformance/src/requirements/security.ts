import { STU2 } from './editions.ts'
import type { Requirements } from './requirement.ts'

/** Security and access. */
export const SECURITY_REQUIREMENTS: Requirements = {
  'hl7.fhir.uv.bulkdata_2.0.0@2': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'Everything goes over TLS 1.2 or newer.',
    source: `${STU2}export.html#privacy-and-security-considerations`,
    blackBox: 'transport',
    provenElsewhere: 'packages/cli/test/tls.test.ts',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@4': {
    actor: 'server',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: 'Access is managed by SMART Backend Services.',
    source: `${STU2}export.html#privacy-and-security-considerations`,
    blackBox: 'smart-configuration',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@218': {
    actor: 'server',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: 'Access is managed by SMART Backend Services.',
    source: `${STU2}authorization.html`,
    blackBox: 'smart-configuration',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@5': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior:
      'Status requests and files that need a token are protected like the kick-off: without a token whose scopes cover the export nobody gets anything.',
    source: `${STU2}export.html#privacy-and-security-considerations`,
    blackBox: 'token-required',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@8': {
    actor: 'server',
    strength: 'SHOULD NOT',
    edition: 'STU2',
    behavior:
      'A file stays whole for a client that is in the middle of downloading it, even when the export expires or is deleted.',
    source: `${STU2}export.html#privacy-and-security-considerations`,
    provenElsewhere: 'packages/server/test/http/output-file.test.ts',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@9': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: "An export holds nothing beyond what the client's scopes allow.",
    source: `${STU2}export.html#privacy-and-security-considerations`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@27': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: "An export holds nothing beyond what the client's scopes allow.",
    source: `${STU2}export.html#bulk-data-kick-off-request`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@226': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: "An export holds nothing beyond what the client's scopes allow.",
    source: `${STU2}CapabilityStatement-bulk-data.html#bulkdataigcapabilitystatement`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@10': {
    actor: 'server',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: 'Wishes of patients about the use of their data are respected.',
    source: `${STU2}export.html#privacy-and-security-considerations`,
    reason:
      'Consent is applied by the organisation that runs the server, before data comes into it; flatfhir has no consent engine and claims none.',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@11': {
    actor: 'server',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior:
      'Requests are limited in number and size per client, so that one client cannot take the service from the others.',
    source: `${STU2}export.html#privacy-and-security-considerations`,
    provenElsewhere: 'packages/server/test/access/limits.test.ts',
  },
}
