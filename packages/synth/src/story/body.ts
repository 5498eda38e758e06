import { DAY_SECONDS, YEAR_DAYS } from '../calendar.ts'
import { RAISES_BLOOD_PRESSURE } from '../codes/conditions.ts'
import type { Random } from '../random.ts'
import type { Person } from './person.ts'
import type { Problem, Visit } from './story.ts'

/** Middle values of growth at whole years, for people who end up of average size. */
const GROWTH_HEIGHT_MM: readonly number[] = [
  500, 750, 865, 950, 1020, 1085, 1150, 1215, 1275, 1330, 1385, 1435, 1495, 1560, 1610, 1645, 1670,
  1685, 1690,
]
const GROWTH_WEIGHT_G: readonly number[] = [
  3400, 9600, 12_200, 14_300, 16_300, 18_400, 20_700, 23_100, 25_600, 28_600, 32_000, 36_000,
  41_000, 46_500, 51_500, 56_500, 61_000, 65_000, 68_000,
]

/** The measures of a body at one visit, as whole numbers. */
export interface BodyMeasures {
  readonly heightMm: number
  /** Grams, in steps of ten. */
  readonly weightG: number
  readonly systolic: number
  readonly diastolic: number
  readonly heartRate: number
  readonly respiratoryRate: number
  /** Degrees Celsius times 10. */
  readonly temperatureTenths: number
  readonly saturationPercent: number
}

/** The build of one person; it stays the same from visit to visit. */
export interface Build {
  /** Height and weight against the average, in thousandths. */
  readonly heightPerMille: number
  readonly weightPerMille: number
  readonly baseSystolic: number
}

/** Draws the build of a person. */
export function drawBuild(person: Person, random: Random): Build {
  const sexFactor = person.sex === 'female' ? 965 : 1035
  return {
    heightPerMille: sexFactor + random.between(-45, 45),
    weightPerMille: sexFactor + random.between(-160, 380),
    baseSystolic: random.between(106, 128),
  }
}

/** Measures a body at a visit. */
export function measureBody(
  build: Build,
  at: {
    readonly person: Person
    readonly visit: Visit
    readonly problems: readonly Problem[]
    readonly random: Random
  },
): BodyMeasures {
  const { person, visit, problems, random } = at
  const ageDays = Math.max(0, Math.floor(visit.start / DAY_SECONDS) - person.birthDay)
  const isIll = visit.diagnoses.some((problem) => !problem.isChronic)
  const isHypertensive = problems.some(
    (problem) => problem.condition === RAISES_BLOOD_PRESSURE && problem.visit.start <= visit.start,
  )
  const childRelief = Math.max(0, 18 - visit.age)
  const systolic =
    build.baseSystolic - childRelief + (isHypertensive ? 18 : 0) + random.between(-9, 9)
  const weight = perMille(growth(GROWTH_WEIGHT_G, ageDays), build.weightPerMille)
  return {
    heightMm: perMille(growth(GROWTH_HEIGHT_MM, ageDays), build.heightPerMille),
    weightG: Math.floor(perMille(weight, 985 + random.below(31)) / 10) * 10,
    systolic,
    diastolic: Math.floor((systolic * 2) / 3) - 4 + random.between(-5, 5),
    heartRate: 64 + childRelief * 3 + (isIll ? 12 : 0) + random.between(-8, 14),
    respiratoryRate: 13 + Math.floor(childRelief / 2) + (isIll ? 3 : 0) + random.below(5),
    temperatureTenths: (isIll ? 374 : 366) + random.between(-4, isIll ? 18 : 5),
    saturationPercent: isIll ? random.between(92, 98) : random.between(95, 100),
  }
}

/** Body mass index in kg/m², times 100. */
export function bodyMassIndexHundredths({ heightMm, weightG }: BodyMeasures): number {
  return Math.floor((weightG * 100_000) / (heightMm * heightMm))
}

function growth(table: readonly number[], ageDays: number): number {
  const year = Math.floor(ageDays / YEAR_DAYS)
  const grown = table.at(-1) ?? 0
  const from = table[year]
  if (from === undefined) return grown
  const to = table[year + 1] ?? grown
  return from + Math.floor(((to - from) * (ageDays - year * YEAR_DAYS)) / YEAR_DAYS)
}

function perMille(value: number, factor: number): number {
  return Math.floor((value * factor) / 1000)
}
