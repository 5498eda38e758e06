import { ASSOCIATED_DATA_SYSTEM, formatInstant, type Edition } from '@flatfhir/protocol'
import type { ExportParameters, VendorParameter } from '../export-parameters.ts'

/** A parameter as it goes over the wire; `text` is its value in a query string. */
interface WireParameter {
  readonly name: string
  readonly text: string
  readonly list: boolean
  /** Its value element in a Parameters resource. */
  readonly value: Readonly<Record<string, unknown>>
}

const FILE_SIZES: ReadonlySet<string> = new Set(['_minimumFileSize', '_maximumFileSize'])

/**
 * Writes the parameters of a `GET` kick-off.
 *
 * @param listStyle - `comma` joins the values of a list where none of them holds a comma itself.
 */
export function encodeQuery(
  parameters: ExportParameters,
  listStyle: 'comma' | 'repeat',
): URLSearchParams {
  const query = new URLSearchParams()
  const byName = new Map<string, WireParameter[]>()
  for (const parameter of wireParameters(parameters, 'stu3')) {
    byName.set(parameter.name, [...(byName.get(parameter.name) ?? []), parameter])
  }
  for (const [name, values] of byName) {
    const texts = values.map(({ text }) => text)
    const joins =
      listStyle === 'comma' &&
      values.every(({ list }) => list) &&
      texts.every((text) => !text.includes(','))
    for (const text of joins ? [texts.join(',')] : texts) query.append(name, text)
  }
  return query
}

/** Writes the Parameters resource of a `POST` kick-off. Lists are repeated, as every edition allows. */
export function encodeBody(
  parameters: ExportParameters,
  edition: Edition,
): Readonly<Record<string, unknown>> {
  const parameter = wireParameters(parameters, edition).map(({ name, value }) => ({
    name,
    ...value,
  }))
  return { resourceType: 'Parameters', ...(parameter.length > 0 && { parameter }) }
}

/**
 * The parameters under the IG's names as plain data, for journal, log and receipt.
 *
 * @param options - `patients: 'count'` tells how many patients there are instead of who.
 */
export function describeParameters(
  parameters: ExportParameters,
  { patients }: { readonly patients: 'list' | 'count' },
): Readonly<Record<string, string | number | boolean | readonly string[]>> {
  const described: Record<string, string | number | boolean | readonly string[]> = {}
  for (const { name, text, list, value } of wireParameters(parameters, 'stu3')) {
    const earlier = described[name]
    if (list) described[name] = [...(Array.isArray(earlier) ? (earlier as string[]) : []), text]
    else described[name] = typeof value['valueBoolean'] === 'boolean' ? value['valueBoolean'] : text
  }
  if (patients === 'count' && parameters.patients !== undefined) {
    described['patient'] = parameters.patients.length
  }
  return described
}

function wireParameters(parameters: ExportParameters, edition: Edition): readonly WireParameter[] {
  const { outputFormat, since, until, organizeOutputBy, allowPartialManifests } = parameters
  return [
    ...list('_type', parameters.types),
    ...single('_outputFormat', outputFormat),
    ...instant('_since', since),
    ...instant('_until', until),
    ...list('_typeFilter', parameters.typeFilters),
    ...list('_elements', parameters.elements),
    ...(parameters.patients ?? []).map(patient),
    ...(parameters.includeAssociatedData ?? []).map((code) => associatedData(code, edition)),
    ...single('organizeOutputBy', organizeOutputBy),
    ...(allowPartialManifests === undefined ? [] : [boolean(allowPartialManifests)]),
    ...(parameters.vendor ?? []).map(vendorParameter),
  ]
}

/** File sizes, which came with STU4, are numbers; what else there may be is text. */
function vendorParameter({ name, value }: VendorParameter): WireParameter {
  const isSize = FILE_SIZES.has(name) && /^[1-9][0-9]{0,9}$/.test(value)
  return {
    ...{ name, text: value, list: true },
    value: isSize ? { valuePositiveInt: Number(value) } : { valueString: value },
  }
}

function single(name: string, text: string | undefined): readonly WireParameter[] {
  return text === undefined ? [] : [{ name, text, list: false, value: { valueString: text } }]
}

function list(name: string, texts: readonly string[] | undefined): readonly WireParameter[] {
  return (texts ?? []).map((text) => ({ name, text, list: true, value: { valueString: text } }))
}

function instant(name: string, at: Date | undefined): readonly WireParameter[] {
  if (at === undefined) return []
  const text = formatInstant(at)
  return [{ name, text, list: false, value: { valueInstant: text } }]
}

function boolean(value: boolean): WireParameter {
  const name = 'allowPartialManifests'
  return { name, text: String(value), list: false, value: { valueBoolean: value } }
}

function patient(id: string): WireParameter {
  const reference = id.includes('/') ? id : `Patient/${id}`
  return { name: 'patient', text: reference, list: true, value: { valueReference: { reference } } }
}

/** A code up to STU3, a Coding since STU4. */
function associatedData(text: string, edition: Edition): WireParameter {
  const bar = text.indexOf('|')
  const system = bar === -1 ? ASSOCIATED_DATA_SYSTEM : text.slice(0, bar)
  const code = text.slice(bar + 1)
  return {
    name: 'includeAssociatedData',
    text,
    list: true,
    value: edition === 'stu4' ? { valueCoding: { system, code } } : { valueCode: text },
  }
}
