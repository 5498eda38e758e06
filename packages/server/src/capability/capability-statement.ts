import { RESOURCE_TYPES, type ResourceType } from '@flatfhir/protocol'

const BULK_DATA = 'http://hl7.org/fhir/uv/bulkdata'
const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'
const SECURITY_SERVICE = 'http://terminology.hl7.org/CodeSystem/restful-security-service'
const SEARCH_PARAMETER = 'http://hl7.org/fhir/SearchParameter'

/** What a CapabilityStatement says of this particular server. */
export interface CapabilityInput {
  readonly fhirBaseUrl: string
  readonly softwareVersion: string
  /** When the server took on these capabilities, which is when it started. */
  readonly startedAt: Date
  /** Where access tokens are to be had; absent while nobody has to log in. */
  readonly tokenUrl?: string
}

interface Operation {
  readonly name: string
  readonly definition: string
  readonly documentation: string
}

interface SearchParameter {
  readonly name: string
  readonly type: 'token' | 'string'
  readonly definition?: string
  readonly documentation: string
}

const KICK_OFF_DOCUMENTATION =
  'Asynchronous: Prefer: respond-async is required. GET, or POST of Parameters. Parameters: ' +
  '_outputFormat (application/fhir+ndjson), _since, _until, _type. Others are refused, or ignored ' +
  'and reported with Prefer: handling=lenient. Everything in an export is as of its ' +
  'transactionTime. Files carry count, size and SHA-256.'

/** What follows the common words for each type with a search or an export of its own. */
const SEARCHABLE = new Set<ResourceType>(['Group', 'Patient'])

/**
 * The CapabilityStatement of this server; it lists what runs and nothing else.
 *
 * @see {@link https://hl7.org/fhir/R4/capabilitystatement.html | FHIR R4: CapabilityStatement}
 */
export function capabilityStatement(input: CapabilityInput): object {
  return {
    resourceType: 'CapabilityStatement',
    name: 'FlatFhirDataProvider',
    title: 'flatfhir Data Provider',
    status: 'active',
    date: input.startedAt.toISOString(),
    kind: 'instance',
    instantiates: [`${BULK_DATA}/CapabilityStatement/bulk-data`],
    software: { name: 'flatfhir', version: input.softwareVersion },
    implementation: { description: 'flatfhir Data Provider', url: input.fhirBaseUrl },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        documentation:
          'Exports data in bulk by the FHIR Bulk Data Access IG. A small REST interface lets data ' +
          'be read and changed.',
        ...(input.tokenUrl !== undefined && { security: smartSecurity(input.tokenUrl) }),
        resource: RESOURCE_TYPES.map(resourceCapability),
        interaction: [{ code: 'transaction' }, { code: 'batch' }],
        operation: [operation('export', 'export', 'All resources.')],
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

function resourceCapability(type: ResourceType): object {
  const interactions = ['read', 'create', 'update', 'delete']
  if (SEARCHABLE.has(type)) interactions.push('search-type')
  const operations = operationsOf(type)
  const searchParameters = searchParametersOf(type)
  return {
    type,
    interaction: interactions.map((code) => ({ code })),
    versioning: 'versioned',
    readHistory: false,
    updateCreate: true,
    conditionalCreate: false,
    conditionalUpdate: false,
    conditionalDelete: 'not-supported',
    ...(searchParameters.length > 0 && { searchParam: searchParameters }),
    ...(operations.length > 0 && { operation: operations }),
  }
}

/**
 * Certification tools look for `export` and clients for the operation's code, so both names are
 * listed, `export` first.
 */
function operationsOf(type: ResourceType): readonly Operation[] {
  if (type === 'Patient') return bothNames('patient-export', 'Every Patient and its compartment.')
  if (type === 'Group') return bothNames('group-export', 'The members and their compartments.')
  return []
}

function bothNames(code: string, scope: string): readonly Operation[] {
  return [operation('export', code, scope), operation(code, code, scope)]
}

function operation(name: string, code: string, scope: string): Operation {
  return {
    name,
    definition: `${BULK_DATA}/OperationDefinition/${code}`,
    documentation: `${scope} ${KICK_OFF_DOCUMENTATION}`,
  }
}

function searchParametersOf(type: ResourceType): readonly SearchParameter[] {
  if (!SEARCHABLE.has(type)) return []
  return [
    {
      name: '_id',
      type: 'token',
      definition: `${SEARCH_PARAMETER}/Resource-id`,
      documentation: 'Logical ids, separated by commas.',
    },
    {
      name: 'identifier',
      type: 'token',
      definition: `${SEARCH_PARAMETER}/${type}-identifier`,
      documentation: 'system|value, value, |value or system|.',
    },
    {
      name: 'name',
      type: 'string',
      // R4 has no such parameter on Group.
      ...(type === 'Patient' && { definition: `${SEARCH_PARAMETER}/Patient-name` }),
      documentation: 'Any part of any name begins with it; case and accents do not matter.',
    },
  ]
}
