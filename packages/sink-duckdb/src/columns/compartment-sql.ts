import { isResourceType, PATIENT_COMPARTMENT } from '@flatfhir/protocol'

import { referenceIdSql } from './reference-sql.ts'

/** Elements of the Patient compartment that do not repeat in any type of R4 that has them. */
const SINGLE: ReadonlySet<string> = new Set([
  'subject',
  'patient',
  'recorder',
  'asserter',
  'policyHolder',
  'subscriber',
  'beneficiary',
  'candidate',
  'individual',
  'requester',
  'deliverTo',
])

/** A path of the compartment, split into what the one extraction reads and what is read from that. */
interface CompartmentPath {
  readonly path: string
  /** Paths into the text at {@link path}; none where that is the reference itself. */
  readonly inner: readonly string[]
}

/**
 * JSON paths to extract for the ids of the patients in whose compartment a resource is. A Patient is
 * in its own compartment only, a Group in nobody's: its members are its content, not its subject.
 */
export function compartmentPaths(type: string): readonly string[] {
  if (type === 'Patient') return ['$.id']
  return pathsOf(type).map(({ path }) => path)
}

/**
 * SQL of the list of ids, sorted, from the names of the columns with the texts at
 * {@link compartmentPaths}.
 */
export function compartmentSql(type: string, texts: readonly string[]): string {
  if (type === 'Patient') return listOf(texts[0] ?? 'NULL')
  const paths = pathsOf(type).map((path, index) => ({ ...path, text: texts[index] ?? 'NULL' }))
  const singles = paths.filter(({ inner }) => inner.length === 0).map(({ text }) => idSql(text))
  const nested = paths.filter(({ inner }) => inner.length > 0)
  const [single = 'NULL'] = singles
  if (nested.length === 0 && singles.length < 2) return listOf(single)
  const lists = [`[${singles.join(', ')}]::VARCHAR[]`, ...nested.map(nestedSql)]
  const all = lists.reduce((left, right) => `list_concat(${left}, ${right})`)
  const whole = `list_sort(list_distinct(${all}))`
  if (singles.length > 1) return whole
  // Lists cost much and hardly ever name a patient: who reported, who performed.
  const names = nested.map(({ text }) => `contains(${text}, 'Patient/')`).join(' OR ')
  return `CASE WHEN ${names} THEN ${whole} ELSE ${listOf(single)} END`
}

function pathsOf(type: string): readonly CompartmentPath[] {
  if (type === 'Patient' || type === 'Group' || !isResourceType(type)) return []
  return (PATIENT_COMPARTMENT[type] ?? []).map(compartmentPath)
}

function compartmentPath(steps: readonly string[]): CompartmentPath {
  const [first = '', ...rest] = steps
  if (rest.length === 0 && SINGLE.has(first)) return { path: `$.${first}.reference`, inner: [] }
  return { path: `$.${first}`, inner: innerPaths(['$', '$[*]'], rest) }
}

/** Every step may be one element or a list of them. */
function innerPaths(starts: readonly string[], steps: readonly string[]): readonly string[] {
  const [step, ...rest] = steps
  if (step === undefined) return starts.map((start) => `${start}.reference`)
  const next = starts.flatMap((start) => [`${start}.${step}`, `${start}.${step}[*]`])
  return innerPaths(next, rest)
}

/** Only reached where there are several paths: a text that is missing gives no ids. */
function nestedSql({ text, inner }: CompartmentPath & { readonly text: string }): string {
  // A text in place of an object or a list comes bare, and is no JSON.
  const json = `CASE WHEN json_valid(${text}) THEN ${text} END`
  const references = inner.map((path) => {
    const found = `json_extract_string(${json}, '${path}')`
    return path.includes('*') ? found : `[${found}]`
  })
  const all = references.reduce((left, right) => `list_concat(${left}, ${right})`)
  return `list_transform(${all}, lambda r: ${idSql('r')})`
}

function idSql(text: string): string {
  return referenceIdSql(text, 'Patient')
}

/** A list of one value, or of none where it is NULL. */
function listOf(value: string): string {
  return `CASE WHEN ${value} IS NULL THEN []::VARCHAR[] ELSE [${value}] END`
}
