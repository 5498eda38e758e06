import type { JsonObject } from '../src/json.ts'
import type { SearchDefinitions, Structure, StructureElement } from './generator.ts'

const DEEPEST = 7
/** How likely an element is there: one that the expression names, or any other. */
const NAMED = 0.95
const UNNAMED = 0.03

type Random = () => number

/** Makes resources that have the shape of their definitions, with any values in them. */
export class ResourceMaker {
  readonly #structures = new Map<string, Structure>()
  /** The elements one step below a path, by profile and path. */
  readonly #children = new Map<string, readonly StructureElement[]>()

  constructor({ profiles, types }: SearchDefinitions) {
    for (const one of [...types, ...profiles]) {
      if (one.resourceType === 'StructureDefinition' && one.derivation !== 'constraint') {
        this.#structures.set(one.name, one)
      }
    }
  }

  /** A resource of a type in which the elements with these names are likely to be there. */
  make(type: string, names: ReadonlySet<string>, seed: number): JsonObject {
    const place = { profile: type, path: type, depth: 0 }
    return { resourceType: type, id: `r${seed}`, ...this.#fill(place, names, seededRandom(seed)) }
  }

  #fill(
    place: { readonly profile: string; readonly path: string; readonly depth: number },
    names: ReadonlySet<string>,
    random: Random,
  ): Record<string, unknown> {
    const made: Record<string, unknown> = {}
    for (const element of this.#below(place.profile, place.path)) {
      const name = element.path.slice(place.path.length + 1).replace('[x]', '')
      if (random() > (names.has(name) ? NAMED : UNNAMED)) continue
      const source = this.#target(place.profile, element)
      const types = source.type ?? []
      const type = types[Math.floor(random() * types.length)]?.code
      if (type === undefined || place.depth === DEEPEST) continue
      const below = { profile: place.profile, path: source.path, depth: place.depth + 1 }
      const count = element.max === '1' ? 1 : 1 + Math.floor(random() * 2)
      const values = Array.from({ length: count }, () => this.#value(type, below, names, random))
      const property = element.path.endsWith('[x]') ? name + capital(type) : name
      made[property] = element.max === '1' ? values[0] : values
    }
    return made
  }

  // Four things describe one value, and nobody else calls this.
  // eslint-disable-next-line max-params
  #value(
    type: string,
    below: { readonly profile: string; readonly path: string; readonly depth: number },
    names: ReadonlySet<string>,
    random: Random,
  ): unknown {
    if (type === 'BackboneElement' || type === 'Element') return this.#fill(below, names, random)
    if (type === 'Resource') return { resourceType: 'Basic', id: pick(['a', 'b'], random) }
    if (this.#structures.get(type)?.kind === 'complex-type') {
      const place = { profile: type, path: type, depth: below.depth }
      return complexValue(type, this.#fill(place, names, random), random)
    }
    return primitiveValue(type, random)
  }

  #below(profile: string, path: string): readonly StructureElement[] {
    const key = `${profile} ${path}`
    const known = this.#children.get(key)
    if (known !== undefined) return known
    const all = this.#structures.get(profile)?.snapshot?.element ?? []
    const below = all.filter((one) => {
      const rest = one.path.startsWith(`${path}.`) ? one.path.slice(path.length + 1) : '.'
      return !rest.includes('.') && !['id', 'extension', 'modifierExtension'].includes(rest)
    })
    this.#children.set(key, below)
    return below
  }

  #target(profile: string, element: StructureElement): StructureElement {
    const { contentReference } = element
    if (contentReference === undefined) return element
    const all = this.#structures.get(profile)?.snapshot?.element ?? []
    return all.find(({ path }) => `#${path}` === contentReference) ?? element
  }
}

/** Numbers from 0 to 1 that are the same for the same seed. */
export function seededRandom(seed: number): Random {
  let state = (seed * 2_654_435_761) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function pick<T>(values: readonly T[], random: Random): T | undefined {
  return values[Math.floor(random() * values.length)]
}

function capital(type: string): string {
  return (type[0] ?? '').toUpperCase() + type.slice(1)
}

/** What the conditions of expressions ask about has to be there often enough. */
function complexValue(type: string, made: Record<string, unknown>, random: Random): unknown {
  switch (type) {
    case 'Reference':
      return { ...made, ...pick(REFERENCES, random) }
    case 'ContactPoint':
      return {
        ...made,
        system: pick(['phone', 'email', 'fax'], random),
        value: pick(WORDS, random),
      }
    case 'RelatedArtifact':
      return { ...made, type: pick(ARTIFACT_TYPES, random), resource: 'http://example.org/a|1' }
    case 'Quantity':
    case 'Age':
    case 'Duration':
      return { ...made, value: random() * 10, code: 'mg' }
    default:
      return Object.keys(made).length === 0 ? { ...made, id: pick(WORDS, random) } : made
  }
}

const WORDS = ['alpha', 'beta', 'gamma']
const ARTIFACT_TYPES = ['composed-of', 'depends-on', 'derived-from', 'predecessor', 'successor']
const REFERENCES = [
  { reference: 'Patient/1' },
  { reference: 'Practitioner/2' },
  { reference: 'https://example.org/fhir/Location/3' },
  { reference: 'Group/4/_history/1' },
  { display: 'nobody' },
]

function primitiveValue(type: string, random: Random): unknown {
  switch (type) {
    case 'boolean':
      return random() < 0.5
    case 'decimal':
      return Math.round(random() * 1000) / 100
    case 'integer':
    case 'positiveInt':
    case 'unsignedInt':
      return 1 + Math.floor(random() * 9)
    case 'date':
      return pick(['2020', '2020-05', '2020-05-17'], random)
    case 'dateTime':
      return pick(['2020-05', '2020-05-17', '2020-05-17T10:00:00Z'], random)
    case 'instant':
      return '2020-05-17T10:00:00.000Z'
    case 'time':
      return '10:00:00'
    default:
      return pick(WORDS, random)
  }
}
