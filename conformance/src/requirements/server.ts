import { STU2 } from './editions.ts'
import type { Requirements } from './requirement.ts'

/** The parts and capabilities of a Data Provider. */
export const SERVER_REQUIREMENTS: Requirements = {
  'hl7.fhir.uv.bulkdata_2.0.0@1': {
    actor: 'server',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: "The CapabilityStatement names the IG's CapabilityStatement in instantiates.",
    source: `${STU2}#conformance`,
    blackBox: 'capability-statement',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@12': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior:
      'The Data Provider has an authorization server, which gives tokens to clients with valid requests.',
    source: `${STU2}export.html#roles`,
    blackBox: 'token-endpoint',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@19': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior:
      'The Data Provider has an authorization server, which gives tokens to clients with valid requests.',
    source: `${STU2}export.html#roles`,
    blackBox: 'token-endpoint',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@13': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The FHIR resource server takes kick-off requests.',
    source: `${STU2}export.html#roles`,
    blackBox: 'kick-off',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@20': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The FHIR resource server takes kick-off requests.',
    source: `${STU2}export.html#roles`,
    blackBox: 'kick-off',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@14': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The output file server hands out the files that the manifest names.',
    source: `${STU2}export.html#roles`,
    blackBox: 'files',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@24': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The output file server hands out the files that the manifest names.',
    source: `${STU2}export.html#roles`,
    blackBox: 'files',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@21': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The FHIR resource server tells the status of a job.',
    source: `${STU2}export.html#roles`,
    blackBox: 'status',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@22': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'The FHIR resource server hands out the manifest of a job that is complete.',
    source: `${STU2}export.html#roles`,
    blackBox: 'manifest',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@23': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior: 'Attachments that exported resources point to can be fetched at their URLs.',
    source: `${STU2}export.html#roles`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@25': {
    actor: 'server',
    strength: 'SHALL',
    edition: 'STU2',
    behavior:
      'The output file server may be part of the FHIR server: here it is, below the same base URL.',
    source: `${STU2}export.html#roles`,
  },
  'hl7.fhir.uv.bulkdata_2.0.0@217': {
    actor: 'server',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior:
      "The CapabilityStatement says what works, and the documentation answers the IG's questions.",
    source: `${STU2}export.html#server-capability-documentation`,
    blackBox: 'capability-statement',
  },
  'hl7.fhir.uv.bulkdata_2.0.0@220': {
    actor: 'server',
    strength: 'SHOULD',
    edition: 'STU2',
    behavior: "A server that names the IG's CapabilityStatement meets the IG's requirements.",
    source: `${STU2}artifacts.html#behavior-capability-statements`,
    reason: 'This is what all other rows together say.',
  },
}
