import { parseDay } from './calendar.ts'
import { PopulationOptionInvalidError } from './errors.ts'
import { hashSeed, type SeedHash } from './random.ts'

/** The day on which a population is looked at, unless it is given. */
export const DEFAULT_TODAY = '2025-12-31'
/** The seed of a population, unless it is given. */
export const DEFAULT_SEED = 'flatfhir'

/** Most patients of one population. */
export const MAX_PATIENTS = 10_000_000
const MIN_PRACTICES = 3
/** Patients that one practice takes. */
export const PRACTICE_PATIENTS = 500
const EARLIEST_TODAY = '2000-01-01'
const LATEST_TODAY = '2099-12-31'

/** What determines a population: the same options make the same bytes on every machine. */
export interface PopulationOptions {
  /** How many patients, from 1 to 10,000,000. A larger population begins with the same patients. */
  readonly patients: number
  /**
   * Another seed makes another population. A number and its decimal text are the same seed.
   *
   * @defaultValue `'flatfhir'`
   */
  readonly seed?: number | string
  /**
   * The day on which the data ends, `YYYY-MM-DD`, from 2000-01-01 to 2099-12-31. The machine's clock
   * is never asked.
   *
   * @defaultValue `'2025-12-31'`
   */
  readonly today?: string
}

/** A population, decided: checked options, and the counts that follow from them. */
export interface PopulationPlan {
  readonly patients: number
  readonly seed: SeedHash
  /** Day on which the data ends; see `calendar.ts`. */
  readonly today: number
  readonly practices: number
}

/**
 * Checks the options and derives the plan.
 *
 * @throws {@link PopulationOptionInvalidError} when an option is out of its range.
 */
export function planPopulation(options: PopulationOptions): PopulationPlan {
  const { patients, seed = DEFAULT_SEED, today = DEFAULT_TODAY } = options
  if (!Number.isSafeInteger(patients) || patients < 1 || patients > MAX_PATIENTS) {
    throw new PopulationOptionInvalidError('patients', `a whole number from 1 to ${MAX_PATIENTS}`)
  }
  if (typeof seed === 'number' && !Number.isFinite(seed)) {
    throw new PopulationOptionInvalidError('seed', 'a finite number or a text')
  }
  const todayDay = today < EARLIEST_TODAY || today > LATEST_TODAY ? undefined : parseDay(today)
  if (todayDay === undefined) {
    throw new PopulationOptionInvalidError(
      'today',
      `a date as YYYY-MM-DD from ${EARLIEST_TODAY} to ${LATEST_TODAY}`,
    )
  }
  const practices = Math.max(MIN_PRACTICES, Math.ceil(patients / PRACTICE_PATIENTS))
  return { patients, seed: hashSeed(seed), today: todayDay, practices }
}

/** The number of the practice that a patient goes to; it does not depend on the population's size. */
export function practiceOfPatient(patient: number): number {
  if (patient < MIN_PRACTICES * PRACTICE_PATIENTS) return patient % MIN_PRACTICES
  return Math.floor(patient / PRACTICE_PATIENTS)
}

/** The numbers of the patients that go to a practice, in ascending order. */
export function* patientsOfPractice(plan: PopulationPlan, practice: number): Generator<number> {
  const isShared = practice < MIN_PRACTICES
  const first = isShared ? practice : practice * PRACTICE_PATIENTS
  const step = isShared ? MIN_PRACTICES : 1
  const end = Math.min(plan.patients, first + step * PRACTICE_PATIENTS)
  for (let patient = first; patient < end; patient += step) yield patient
}
