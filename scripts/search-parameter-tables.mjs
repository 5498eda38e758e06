/**
 * Makes the table of packages/search from the search parameters of FHIR R4.
 *
 * Each parameter's FHIRPath expression is cut down to the alternatives of one resource type, and
 * resolved against the structure definitions into paths of JSON properties with the type that
 * stands at their end: `(Observation.value as Quantity)` becomes `valueQuantity:Quantity`.
 */
import fhirpath from 'fhirpath'

/** Expressions that no path can stand for, and the type of what they evaluate to. */
const EVALUATED = {
  'Patient.deceased.exists() and Patient.deceased != false': 'boolean',
  'Bundle.entry[0].resource': 'Resource',
}
const ROOT_TYPES = ['Resource', 'DomainResource']
/** A parameter that may lead to so many types may lead to any. */
const ANY_TARGET = 140
const SYSTEM_TYPE = 'http://hl7.org/fhirpath/System.'

/** An expression, or a part of one, that paths cannot stand for. */
class NotAPath extends Error {}

/**
 * The rows of the table by type and parameter code; `Resource` has those of all types.
 *
 * @param {{ profiles: object[], types: object[], valueSets: object[], searchParameters: object[] }} definitions
 * @param {readonly string[]} resourceTypes
 * @returns {Record<string, Record<string, object>>}
 */
export function searchParameterTable(definitions, resourceTypes) {
  const model = structureModel(definitions)
  const byUrl = new Map(definitions.searchParameters.map((one) => [one.url, one]))
  const table = {}
  for (const parameter of definitions.searchParameters) {
    for (const type of parameter.base) {
      if (parameter.expression === undefined) continue
      if (!resourceTypes.includes(type) && !ROOT_TYPES.includes(type)) continue
      const row = rowOf({ parameter, type, model, byUrl, resourceTypes })
      const home = ROOT_TYPES.includes(type) ? 'Resource' : type
      table[home] ??= {}
      if (table[home][parameter.code] !== undefined) throw new Error(`Two ${parameter.code}`)
      table[home][parameter.code] = row
    }
  }
  return sorted(Object.entries(table).map(([type, rows]) => [type, sorted(Object.entries(rows))]))
}

function sorted(entries) {
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function rowOf({ parameter, type, model, byUrl, resourceTypes }) {
  const expression = expressionFor(parameter.expression, type)
  const row = {
    type: parameter.type,
    definition: parameter.url.slice(parameter.url.lastIndexOf('/') + 1),
    expression,
  }
  const targets = (parameter.target ?? []).filter((target) => resourceTypes.includes(target))
  if (targets.length > 0 && targets.length < ANY_TARGET) row.targets = targets.sort()
  if (EVALUATED[expression] !== undefined) return { ...row, result: EVALUATED[expression] }
  const places = placesOf(expression, model.root(type), model)
  if (parameter.type !== 'composite') return { ...row, paths: places.flatMap(written) }
  return { ...row, ...compositeOf(parameter, places, { model, byUrl }) }
}

/** What each component looks at, from each place where the composite can stand. */
function compositeOf(parameter, places, { model, byUrl }) {
  const components = parameter.component.map((component) => {
    const definition = byUrl.get(component.definition)
    if (definition === undefined) throw new Error(`Unknown component ${component.definition}`)
    return { type: definition.type, expression: evaluable(component.expression) }
  })
  const bases = places.map((place) => ({
    path: place.path,
    components: components.map(({ expression }) =>
      placesOf(expression, { ...place, path: '' }, model).flatMap(written),
    ),
  }))
  return { components, bases }
}

/** The alternatives of an expression that begin at one type. */
function expressionFor(expression, type) {
  const all = evaluable(expression).split('|')
  const names = [type, ...ROOT_TYPES]
  const own = all.filter((part) => !/^[A-Z]/.test(part) || names.includes(/^\w+/.exec(part)[0]))
  if (own.length === 0) throw new Error(`No part of ${expression} is about ${type}`)
  return own.join(' | ')
}

/** `as` stops at a collection of several, so `ofType` takes its place, which keeps what fits. */
function evaluable(expression) {
  const trimmed = expression.split('|').map((part) => part.trim())
  return trimmed
    .join('|')
    .replace(/\(([\w.]+) as (\w+)\)/g, '$1.ofType($2)')
    .replace(/\.as\((\w+)\)/g, '.ofType($1)')
    .replace('ofType(DateTime)', 'ofType(dateTime)')
}

function placesOf(expression, root, model) {
  return walk(fhirpath.parse(expression), root, model)
}

/** Where one node of a parsed expression leads, from the place where the expression begins. */
function walk(node, root, model) {
  const [first, second] = node.children ?? []
  switch (node.type) {
    case 'UnionExpression':
      return [...walk(first, root, model), ...walk(second, root, model)]
    case 'InvocationExpression':
      return invoke(walk(first, root, model), second, model)
    case 'MemberInvocation':
      if (model.isType(node.text)) return isRoot(node.text, root) ? [root] : []
      return model.children(root, node.text)
    case 'ExternalConstantTerm':
      if (node.children[0].children[0].text !== 'resource') throw new NotAPath(node.type)
      return [{ ...model.root(root.profile), path: '%' }]
    case 'EntireExpression':
    case 'TermExpression':
    case 'InvocationTerm':
    case 'ParenthesizedTerm':
      return walk(first, root, model)
    default:
      throw new NotAPath(node.type)
  }
}

function isRoot(name, root) {
  return name === root.profile || ROOT_TYPES.includes(name)
}

function invoke(places, node, model) {
  if (node.type === 'MemberInvocation') {
    return places.flatMap((place) => model.children(place, node.text))
  }
  const [name, parameters] = node.children[0].children
  const argument = parameters.children[0]
  if (name.text === 'ofType') {
    return places.filter((place) => model.isA(place.type, leaf(argument)))
  }
  if (name.text === 'where' && argument.type === 'TypeExpression') {
    return places.map((place) => ({ ...place, target: leaf(argument.children[1]) }))
  }
  if (name.text === 'where' && argument.type === 'EqualityExpression') {
    const [left, right] = argument.children.map(leaf)
    return places.map((place) => ({ ...place, path: `${place.path}[${left}=${unquoted(right)}]` }))
  }
  throw new NotAPath(name.text)
}

function leaf(node) {
  return node.children === undefined || node.children.length === 0
    ? node.text
    : leaf(node.children[0])
}

function unquoted(text) {
  return text.slice(1, -1)
}

/** `path:type`, with `@system …` for a code of known systems or `>Type` for a filtered reference. */
function written({ path, type, systems, target }) {
  if (target !== undefined) return [`${path}:${type}>${target}`]
  return [`${path}:${type}${systems === undefined ? '' : `@${systems.join(' ')}`}`]
}

/** Answers what stands below an element of R4. */
function structureModel({ profiles, types, valueSets }) {
  const structures = new Map()
  for (const one of [...types, ...profiles]) {
    if (one.resourceType === 'StructureDefinition' && one.derivation !== 'constraint') {
      structures.set(one.name, one)
    }
  }
  const systems = systemsByValueSet(valueSets)
  const elementsOf = (profile) => structures.get(profile).snapshot.element
  const find = (profile, path) =>
    elementsOf(profile).find((one) => one.path === path || one.path === `${path}[x]`)
  const isA = (type, wanted) => {
    if (type === wanted) return true
    const base = structures.get(type)?.baseDefinition
    return base !== undefined && isA(base.slice(base.lastIndexOf('/') + 1), wanted)
  }
  const children = (place, name) => {
    const element = find(place.profile, `${place.element}.${name}`)
    if (element === undefined) throw new Error(`${place.element} has no element ${name}`)
    return placesBelow({ place, element, name, find, systems })
  }
  return {
    isA,
    children,
    // Elements are called `code` or `id` too, as primitive types are.
    isType: (name) => /^[A-Z]/.test(name) && structures.has(name),
    root: (type) => ({ profile: type, element: type, type, path: '' }),
  }
}

function placesBelow({ place, element, name, find, systems }) {
  if (element.contentReference !== undefined) {
    const target = find(place.profile, element.contentReference.slice(1))
    return placesBelow({ place, element: target, name, find, systems })
  }
  const isChoice = element.path.endsWith('[x]')
  // The definitions say that an id of a resource is a string.
  const isId = element.path === 'Resource.id'
  const codes = isId ? ['id'] : [...new Set(element.type.map(typeCode))]
  return codes.map((type) => {
    const property = isChoice ? name + type[0].toUpperCase() + type.slice(1) : name
    const path =
      place.path === '' || place.path === '%' ? place.path + property : `${place.path}.${property}`
    const isInline = type === 'BackboneElement' || type === 'Element'
    const below = isInline
      ? { profile: place.profile, element: element.path }
      : { profile: type, element: type }
    const codeSystems =
      type === 'code' ? systems.get(element.binding?.valueSet?.split('|')[0]) : undefined
    return { ...below, type, path, ...(codeSystems === undefined ? {} : { systems: codeSystems }) }
  })
}

function typeCode({ code, extension }) {
  if (!code.startsWith(SYSTEM_TYPE)) return code
  return extension?.find(({ url }) => url.endsWith('fhir-type'))?.valueUrl ?? 'string'
}

/** The code systems of the value sets that are made of whole systems or lists of codes. */
function systemsByValueSet(valueSets) {
  const table = new Map()
  for (const { resourceType, url, compose } of valueSets) {
    if (resourceType !== 'ValueSet' || compose === undefined) continue
    if (compose.include.some(({ system }) => system === undefined)) continue
    table.set(url, [...new Set(compose.include.map(({ system }) => system))])
  }
  return table
}
