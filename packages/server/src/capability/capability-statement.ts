import {
  BULK_DATA_CAPABILITY_STATEMENT,
  OPERATION_NOT_SUPPORTED_EXTENSION,
  RESOURCE_TYPES,
  type ResourceType,
} from '@flatfhir/protocol'
import { supportedSearchParameters } from '@flatfhir/search'
import { notExportedExtensions, operationCapabilities } from './export-capabilities.ts'
import type { ProviderDescription } from './provider-description.ts'

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'
const SECURITY_SERVICE = 'http://terminology.hl7.org/CodeSystem/restful-security-service'

/** Search parameters that work over REST, too. */
const REST_SEARCHES: Readonly<Partial<Record<ResourceType, readonly string[]>>> = {
  Group: ['_id', 'identifier', 'name'],
  Patient: ['_id', 'identifier', 'name'],
}

/**
 * The CapabilityStatement of this server; it lists what runs and nothing else. A search parameter
 * that is listed works in `_typeFilter`, in constrained scopes and in member filters of Groups.
 *
 * @see {@link https://hl7.org/fhir/R4/capabilitystatement.html | FHIR R4: CapabilityStatement}
 */
export function capabilityStatement(input: ProviderDescription): object {
  return {
    resourceType: 'CapabilityStatement',
    name: 'FlatFhirDataProvider',
    title: 'flatfhir Data Provider',
    status: 'active',
    date: input.startedAt.toISOString(),
    kind: 'instance',
    instantiates: [BULK_DATA_CAPABILITY_STATEMENT],
    software: { name: 'flatfhir', version: input.softwareVersion },
    implementation: { description: 'flatfhir Data Provider', url: input.fhirBaseUrl },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        documentation:
          'Exports data in bulk by the FHIR Bulk Data Access IG. A small REST interface lets data ' +
          'be read and changed. Search parameters are for _typeFilter, where nothing else is said. ' +
          `What else there is to know: ${input.fhirBaseUrl}/bulk-data-documentation`,
        ...(input.tokenUrl !== undefined && { security: smartSecurity(input.tokenUrl) }),
        resource: RESOURCE_TYPES.map((type) => resourceCapability(type, input)),
        interaction: [{ code: 'transaction' }, { code: 'batch' }],
        operation: operationCapabilities('system', input),
      },
    ],
  }
}

/**
 * How older clients find the token endpoint; newer ones read `.well-known/smart-configuration`.
 *
 * @see {@link https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html | SMART: conformance}
 */
function smartSecurity(tokenUrl: string): object {
  return {
    extension: [{ url: OAUTH_URIS, extension: [{ url: 'token', valueUri: tokenUrl }] }],
    service: [
      {
        coding: [{ system: SECURITY_SERVICE, code: 'SMART-on-FHIR', display: 'SMART-on-FHIR' }],
        text: 'SMART Backend Services: OAuth 2.0 client credentials with private_key_jwt',
      },
    ],
    description: 'Every request but capabilities, discovery and tokens needs an access token.',
  }
}

function resourceCapability(type: ResourceType, input: ProviderDescription): object {
  const interactions = ['read', 'create', 'update', 'delete']
  if (REST_SEARCHES[type] !== undefined) interactions.push('search-type')
  const extensions = notExportedExtensions(type)
  const operations = operationsOf(type, input)
  return {
    ...(extensions.length > 0 && { extension: extensions }),
    type,
    ...(type === 'Group' && { supportedProfile: [BULK_COHORT_GROUP] }),
    interaction: interactions.map((code) => ({ code })),
    versioning: 'versioned',
    readHistory: false,
    updateCreate: true,
    conditionalCreate: false,
    conditionalUpdate: false,
    conditionalDelete: 'not-supported',
    searchParam: searchParametersOf(type),
    ...(operations.length > 0 && { operation: operations }),
  }
}

function operationsOf(type: ResourceType, input: ProviderDescription): readonly object[] {
  if (type === 'Patient') return operationCapabilities('patient', input)
  if (type === 'Group') return [...operationCapabilities('group', input), ...MEMBER_OPERATIONS]
  return []
}

function searchParametersOf(type: ResourceType): readonly object[] {
  const rest = REST_SEARCHES[type] ?? []
  const listed = supportedSearchParameters(type).map(({ name, type: kind, definition }) => ({
    ...{ name, type: kind, definition },
    ...(rest.includes(name) && { documentation: 'In REST searches, too.' }),
  }))
  return type === 'Group' ? [...listed, GROUP_NAME] : listed
}

const BULK_COHORT_GROUP = 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/bulk-cohort-group'
const ATTRIBUTION = 'http://hl7.org/fhir/us/davinci-atr/OperationDefinition'

/** What of Da Vinci ATR's operations works here. */
const MEMBER_OPERATIONS = [
  {
    name: 'member-add',
    definition: `${ATTRIBUTION}/group-member-add`,
    documentation: 'Adds members: patientReference, each with or without an attributionPeriod.',
  },
  {
    name: 'member-remove',
    definition: `${ATTRIBUTION}/group-member-remove`,
    documentation: 'Takes members out: patientReference.',
  },
]

/** R4 has no such parameter, so that no export can be filtered by it. */
const GROUP_NAME = {
  extension: [
    { url: OPERATION_NOT_SUPPORTED_EXTENSION, valueCanonical: BULK_DATA_CAPABILITY_STATEMENT },
  ],
  name: 'name',
  type: 'string',
  documentation: 'In REST searches only: any part of the name begins with it.',
}
