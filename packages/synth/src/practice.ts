import { NAME_POOLS, type Sex } from './codes/demographics.ts'
import { PLACES, PRACTICE_NAMES, STREETS, type Place } from './codes/places.ts'
import { SPECIALTIES, type Specialty } from './codes/specialties.ts'
import { reference, type Json } from './json-text.ts'
import { Random, type SeedHash } from './random.ts'

/** Which clinician of a practice; index into `SPECIALTIES`. */
export const PEDIATRICIAN = 3
export const EMERGENCY_PHYSICIAN = 4
/** How many clinicians of a practice have adult patients of their own. */
export const GENERALISTS = 3
const CACHED_PRACTICES = 4

/** A clinician, who works at one practice. */
export interface Practitioner {
  readonly id: string
  readonly roleId: string
  readonly npi: string
  readonly given: string
  readonly family: string
  readonly sex: Sex
  readonly specialty: Specialty
  readonly display: string
  readonly reference: Json
}

/** A place where a practice sees patients. */
export interface PracticeLocation {
  readonly id: string
  readonly name: string
  readonly isHospital: boolean
  /** Degrees times 100,000. */
  readonly latitude: number
  readonly longitude: number
  readonly reference: Json
}

/** An organisation that gives care, with its people, places and shared devices. */
export interface Practice {
  readonly index: number
  readonly id: string
  readonly name: string
  readonly npi: string
  readonly place: Place
  readonly addressLine: string
  readonly postalCode: string
  readonly phone: string
  readonly reference: Json
  readonly practitioners: readonly Practitioner[]
  readonly clinic: PracticeLocation
  readonly hospital: PracticeLocation
  readonly pressureMonitorId: string
  readonly pressureMonitor: Json
  readonly oximeterId: string
  readonly oximeter: Json
}

/**
 * Derives the practices of a population. Any one can be derived at any time from the seed; a few are
 * kept, because neighbouring patients share them.
 */
export class PracticeDirectory {
  readonly #seed: SeedHash
  readonly #recent = new Map<number, Practice>()

  constructor(seed: SeedHash) {
    this.#seed = seed
  }

  /** The practice with a number, counted from 0. */
  practice(index: number): Practice {
    const known = this.#recent.get(index)
    if (known !== undefined) return known
    const practice = derivePractice(this.#seed, index)
    const oldest = this.#recent.keys().next()
    if (this.#recent.size >= CACHED_PRACTICES && oldest.done !== true) {
      this.#recent.delete(oldest.value)
    }
    this.#recent.set(index, practice)
    return practice
  }
}

function derivePractice(seed: SeedHash, index: number): Practice {
  const random = new Random(seed, 'practice', index)
  const id = random.uuid()
  const place = random.pick(PLACES)
  const name = `${place.city} ${random.pick(PRACTICE_NAMES)} ${index + 1}`
  const pressureMonitorId = random.uuid()
  const oximeterId = random.uuid()
  return {
    index,
    id,
    name,
    npi: nationalProviderId(random),
    place,
    addressLine: `${random.between(1, 980)} ${random.pick(STREETS)}`,
    postalCode: postalCode(place, random),
    phone: phoneNumber(place, random),
    reference: reference('Organization', id, name),
    practitioners: SPECIALTIES.map((specialty) => derivePractitioner(specialty, random)),
    clinic: deriveLocation(`${name}, clinic`, { place, random, isHospital: false }),
    hospital: deriveLocation(`${name}, hospital`, { place, random, isHospital: true }),
    pressureMonitorId,
    pressureMonitor: reference('Device', pressureMonitorId, 'Sphygmomanometer'),
    oximeterId,
    oximeter: reference('Device', oximeterId, 'Pulse oximeter'),
  }
}

function derivePractitioner(specialty: Specialty, random: Random): Practitioner {
  const id = random.uuid()
  const pool = random.pickWeighted(NAME_POOLS)
  const sex = random.chance(500) ? 'female' : 'male'
  const given = random.pick(pool[sex])
  const family = random.pick(pool.family)
  const display = `${given} ${family}, ${specialty.suffix}`
  return {
    id,
    roleId: random.uuid(),
    npi: nationalProviderId(random),
    given,
    family,
    sex,
    specialty,
    display,
    reference: reference('Practitioner', id, display),
  }
}

function deriveLocation(
  name: string,
  facts: { readonly place: Place; readonly random: Random; readonly isHospital: boolean },
): PracticeLocation {
  const { place, random, isHospital } = facts
  const id = random.uuid()
  return {
    id,
    name,
    isHospital,
    latitude: place.latitude + random.between(-4000, 4000),
    longitude: place.longitude + random.between(-4000, 4000),
    reference: reference('Location', id, name),
  }
}

/** A postal code of a town. */
export function postalCode(place: Place, random: Random): string {
  return `${place.postalPrefix}${random.below(100).toString().padStart(2, '0')}`
}

/** A telephone number from the range that is kept free for fiction (555-0100 to 555-0199). */
export function phoneNumber(place: Place, random: Random): string {
  return `(${place.areaCode}) 555-01${random.below(100).toString().padStart(2, '0')}`
}

/**
 * A National Provider Identifier with a right check digit. It starts with 9, which is never assigned:
 * nobody real has it.
 */
function nationalProviderId(random: Random): string {
  const body = `9${random.below(10_000).toString().padStart(4, '0')}${random.below(10_000).toString().padStart(4, '0')}`
  return `${body}${luhnDigit(`80840${body}`)}`
}

function luhnDigit(digits: string): number {
  let sum = 0
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48
    const doubled = index % 2 === 0 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return (10 - (sum % 10)) % 10
}
