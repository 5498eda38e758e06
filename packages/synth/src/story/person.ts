import { YEAR_DAYS } from '../calendar.ts'
import { NAME_POOLS, type NamePool, type Sex } from '../codes/demographics.ts'
import { STREETS } from '../codes/places.ts'
import { reference, type Json } from '../json-text.ts'
import { MEDICARE, PAYERS_BELOW_65, type Payer } from '../payers.ts'
import { practiceOfPatient, type PopulationPlan } from '../population-plan.ts'
import {
  GENERALISTS,
  PEDIATRICIAN,
  phoneNumber,
  postalCode,
  type Practice,
  type Practitioner,
} from '../practice.ts'
import { Random } from '../random.ts'

const OLDEST_DAYS = 94 * YEAR_DAYS
const YOUNGEST_DAYS = 5
const RETIREMENT_AGE = 65
const ADULT_AGE = 18

/** What rosters need to know of a patient; cheap to derive for any number. */
export interface PersonIdentity {
  /** Counted from 0. */
  readonly number: number
  readonly id: string
  readonly birthDay: number
  readonly deathDay: number | undefined
  /** The last day of the record: the day of death, or the population's today. */
  readonly lastDay: number
  /** Index of the payer. */
  readonly payer: number
}

/** A patient, before anything happens. */
export interface Person extends PersonIdentity {
  readonly sex: Sex
  readonly pool: NamePool
  readonly given: string
  readonly middle: string
  readonly family: string
  readonly display: string
  readonly addressLine: string
  readonly postalCode: string
  readonly phone: string
  readonly practice: Practice
  /** The clinician who knows the patient best. */
  readonly doctor: Practitioner
  readonly insurer: Payer
  /** A Reference to the patient. */
  readonly subject: Json
  /** Offset from UTC of every time in the record. */
  readonly zone: string
}

/** Derives what rosters need to know of a patient. */
export function identifyPerson(plan: PopulationPlan, number: number): PersonIdentity {
  const random = new Random(plan.seed, 'identity', number)
  const id = random.uuid()
  const ageDays = random.between(YOUNGEST_DAYS, OLDEST_DAYS)
  const deathDay = deathDayOf(plan.today, ageDays, random)
  const birthDay = plan.today - ageDays
  const lastDay = deathDay ?? plan.today
  const youngPayer = random.pick(PAYERS_BELOW_65)
  const payer = lastDay - birthDay >= RETIREMENT_AGE * YEAR_DAYS ? MEDICARE : youngPayer
  return { number, id, birthDay, deathDay, lastDay, payer }
}

function deathDayOf(today: number, ageDays: number, random: Random): number | undefined {
  const age = Math.floor(ageDays / YEAR_DAYS)
  const perMille = age >= 50 ? (age - 45) * 5 : 4
  // Drawn in any case, so that the draws that follow do not depend on the answer.
  const dies = random.chance(perMille)
  const daysAgo = random.between(30, 30 + Math.min(8 * YEAR_DAYS, Math.floor(ageDays / 2)))
  return dies && ageDays > 2 * YEAR_DAYS ? today - daysAgo : undefined
}

/** Age in whole years on a day. */
export function ageOn(person: Pick<PersonIdentity, 'birthDay'>, day: number): number {
  return Math.floor(((day - person.birthDay) * 4) / (4 * YEAR_DAYS + 1))
}

/** Derives a patient. */
export function derivePerson(
  plan: PopulationPlan,
  number: number,
  surroundings: {
    readonly practice: (index: number) => Practice
    readonly payers: readonly Payer[]
  },
): Person {
  const identity = identifyPerson(plan, number)
  const practice = surroundings.practice(practiceOfPatient(number))
  const random = new Random(plan.seed, 'person', number)
  const pool = random.pickWeighted(NAME_POOLS)
  const sex = random.chance(510) ? 'female' : 'male'
  const given = random.pick(pool[sex])
  const family = random.pick(pool.family)
  const display = `${given} ${family}`
  const insurer = surroundings.payers[identity.payer]
  if (insurer === undefined) throw new RangeError('A person has a payer that is not there')
  return {
    ...identity,
    sex,
    pool,
    given,
    middle: random.pick(pool[sex]),
    family,
    display,
    addressLine: `${random.between(1, 980)} ${random.pick(STREETS)}`,
    postalCode: postalCode(practice.place, random),
    phone: phoneNumber(practice.place, random),
    practice,
    doctor: doctorOf(identity, practice, random),
    insurer,
    subject: reference('Patient', identity.id, display),
    zone: practice.place.zone,
  }
}

function doctorOf(identity: PersonIdentity, practice: Practice, random: Random): Practitioner {
  const generalist = random.below(GENERALISTS)
  const isChild = ageOn(identity, identity.lastDay) < ADULT_AGE
  const doctor = practice.practitioners[isChild ? PEDIATRICIAN : generalist]
  if (doctor === undefined) throw new RangeError('A practice lacks a doctor')
  return doctor
}
