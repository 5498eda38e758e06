import type { ElementSelector } from '../elements/element-selection.ts'
import { formatInstant } from '../instant.ts'
import type { AssociatedData, KickOffParameters, TypeFilter } from '../kick-off-parameters.ts'
import type { Edition } from './edition.ts'
import { ASSOCIATED_DATA, ASSOCIATED_DATA_SYSTEM } from './parameters/associated-data.ts'
import type { ParametersEntry, ParametersResource } from './parameters-resource.ts'

/** How lists are written into a query string. */
export interface KickOffQueryStyle {
  /**
   * `_type=A&_type=B` instead of `_type=A,B`, and likewise for the other lists. Both are allowed; each
   * is refused by some server. `_typeFilter` is always repeated: its values may hold commas.
   *
   * @defaultValue false
   */
  readonly repeatTypes?: boolean
}

/**
 * Writes the parameters of a `GET` kick-off request, which STU1 to STU3 have; what is absent is left
 * out.
 *
 * @throws RangeError when a list is empty, and for parameters that no `GET` may have: `patients` and
 *   the file sizes of STU4.
 */
export function encodeKickOffQuery(
  parameters: Partial<KickOffParameters>,
  { repeatTypes = false }: KickOffQueryStyle = {},
): URLSearchParams {
  refuseEmptyLists(parameters)
  if (parameters.patients !== undefined) throw new RangeError('patients are sent by POST only')
  refuseFileSizes(parameters)
  const query = new URLSearchParams()
  const add = (name: string, texts: readonly string[] | undefined, repeat = repeatTypes): void => {
    if (texts === undefined) return
    for (const text of repeat ? texts : [texts.join(',')]) query.append(name, text)
  }
  for (const [name, text] of Object.entries(singleTexts(parameters))) add(name, [text])
  add('_type', parameters.types)
  add('_typeFilter', parameters.typeFilters?.map(textOfFilter), true)
  add('_elements', parameters.elements?.map(textOfSelector))
  add('includeAssociatedData', parameters.includeAssociatedData)
  return query
}

/**
 * Writes the body of a `POST` kick-off request; what is absent is left out.
 *
 * Lists are always repeated: that is right in every edition, while STU4 has no comma lists.
 *
 * @param edition - `includeAssociatedData` is a code up to STU3 and a Coding in STU4.
 * @throws RangeError when a list is empty, and for file sizes in an edition before STU4.
 */
export function encodeKickOffBody(
  parameters: Partial<KickOffParameters>,
  edition: Edition = 'stu3',
): ParametersResource {
  refuseEmptyLists(parameters)
  if (edition !== 'stu4') refuseFileSizes(parameters)
  const parameter = [
    ...strings('_type', parameters.types),
    ...singles(parameters),
    ...strings('_typeFilter', parameters.typeFilters?.map(textOfFilter)),
    ...strings('_elements', parameters.elements?.map(textOfSelector)),
    ...(parameters.patients ?? []).map(patientEntry),
    ...(parameters.includeAssociatedData ?? []).map((value) => associatedEntry(value, edition)),
  ]
  return { resourceType: 'Parameters', ...(parameter.length > 0 && { parameter }) }
}

function singleTexts(parameters: Partial<KickOffParameters>): Readonly<Record<string, string>> {
  const { outputFormat, since, until, organizeOutputBy, allowPartialManifests } = parameters
  return {
    ...(outputFormat !== undefined && { _outputFormat: outputFormat }),
    ...(since !== undefined && { _since: formatInstant(since) }),
    ...(until !== undefined && { _until: formatInstant(until) }),
    ...(organizeOutputBy !== undefined && { organizeOutputBy }),
    ...(allowPartialManifests !== undefined && {
      allowPartialManifests: String(allowPartialManifests),
    }),
  }
}

function singles(parameters: Partial<KickOffParameters>): readonly ParametersEntry[] {
  const { allowPartialManifests, minimumFileSize, maximumFileSize } = parameters
  const entries = Object.entries(singleTexts(parameters)).map(([name, text]): ParametersEntry => {
    if (name === '_since' || name === '_until') return { name, valueInstant: text }
    if (name !== 'allowPartialManifests') return { name, valueString: text }
    return { name, valueBoolean: allowPartialManifests === true }
  })
  return [
    ...entries,
    ...positiveInt('_minimumFileSize', minimumFileSize),
    ...positiveInt('_maximumFileSize', maximumFileSize),
  ]
}

function positiveInt(name: string, value: number | undefined): readonly ParametersEntry[] {
  return value === undefined ? [] : [{ name, valuePositiveInt: value }]
}

function strings(name: string, texts: readonly string[] = []): readonly ParametersEntry[] {
  return texts.map((text) => ({ name, valueString: text }))
}

function patientEntry(id: string): ParametersEntry {
  return { name: 'patient', valueReference: { reference: `Patient/${id}` } }
}

function associatedEntry(value: AssociatedData, edition: Edition): ParametersEntry {
  const name = 'includeAssociatedData'
  if (edition !== 'stu4') return { name, valueCode: value }
  // A value of a provider's own is in no code system of the IG's.
  const system = ASSOCIATED_DATA.has(value) ? { system: ASSOCIATED_DATA_SYSTEM } : {}
  return { name, valueCoding: { ...system, code: value } }
}

function textOfFilter({ type, query }: TypeFilter): string {
  return `${type}?${query}`
}

function textOfSelector({ type, element }: ElementSelector): string {
  return type === undefined ? element : `${type}.${element}`
}

/** Left out, a list asks for everything, which is not what an empty one says. */
function refuseEmptyLists(parameters: Partial<KickOffParameters>): void {
  const empty = Object.entries(parameters).find(
    ([, value]) => Array.isArray(value) && value.length === 0,
  )
  if (empty !== undefined) {
    throw new RangeError(`${empty[0]} is empty: leave it out to ask for everything`)
  }
}

function refuseFileSizes({ minimumFileSize, maximumFileSize }: Partial<KickOffParameters>): void {
  if (minimumFileSize === undefined && maximumFileSize === undefined) return
  throw new RangeError('File sizes can be asked for in STU4 only')
}
