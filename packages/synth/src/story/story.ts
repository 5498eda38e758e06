import { DAY_SECONDS, dayOfSecond, formatDateTime } from '../calendar.ts'
import { CHRONIC_CONDITIONS, type ConditionCode } from '../codes/conditions.ts'
import { SMOKING_HABITS, type SmokingHabit } from '../codes/vital-signs.ts'
import type { VisitKind } from '../codes/visit-kinds.ts'
import { reference, type Json } from '../json-text.ts'
import { EMERGENCY_PHYSICIAN, type PracticeLocation, type Practitioner } from '../practice.ts'
import type { Random } from '../random.ts'
import { ageOn, type Person } from './person.ts'
import { requestVisits, type VisitRequest } from './visit-requests.ts'

const SMOKING_AGE = 16
const CHRONIC: ReadonlySet<ConditionCode> = new Set(CHRONIC_CONDITIONS)

/** A disease that a patient has or had. */
export interface Problem {
  readonly id: string
  readonly condition: ConditionCode
  readonly isChronic: boolean
  /** The visit at which it was found. */
  readonly visit: Visit
  /** The day on which it had passed; `undefined` while it lasts. */
  readonly resolvedDay: number | undefined
  readonly reference: Json
}

/** One encounter, with what the resources of the encounter have in common as ready text. */
export interface Visit {
  readonly id: string
  readonly kind: VisitKind
  readonly day: number
  /** Seconds; see `calendar.ts`. */
  readonly start: number
  readonly end: number
  /** FHIR `dateTime`s of the two. */
  readonly startText: string
  readonly endText: string
  readonly doctor: Practitioner
  readonly location: PracticeLocation
  /** Found at this visit. */
  readonly diagnoses: readonly Problem[]
  /** Found earlier, and looked after at this visit. */
  readonly followsUp: readonly Problem[]
  readonly reference: Json
  /** Whole years of the patient at this visit. */
  readonly age: number
}

/** A patient and everything that happened to him. */
export interface Story {
  readonly person: Person
  readonly visits: readonly Visit[]
  readonly problems: readonly Problem[]
  readonly smoking: SmokingHabit | undefined
  /** Source of every further detail of this patient. */
  readonly random: Random
}

/** Invents the life of a patient. */
export function composeStory(person: Person, random: Random): Story {
  const isOldEnough = ageOn(person, person.lastDay) >= SMOKING_AGE
  const habit = random.pickWeighted(SMOKING_HABITS)
  const visits: Visit[] = []
  const problems: Problem[] = []
  for (const request of requestVisits(person, random)) {
    const visit = holdVisit(request, { person, random, problems })
    visits.push(visit)
    problems.push(...visit.diagnoses)
  }
  return { person, visits, problems, smoking: isOldEnough ? habit : undefined, random }
}

interface VisitSurroundings {
  readonly person: Person
  readonly random: Random
  readonly problems: readonly Problem[]
}

function holdVisit(request: VisitRequest, surroundings: VisitSurroundings): Visit {
  const { person, random, problems } = surroundings
  const { kind, day } = request
  const id = random.uuid()
  const start = day * DAY_SECONDS + random.between(8 * 60, 17 * 60) * 60 + random.below(60)
  const end = start + random.between(kind.minutes[0], kind.minutes[1]) * 60
  const diagnoses: Problem[] = []
  const visit: Visit = {
    id,
    kind,
    day,
    start,
    end,
    startText: formatDateTime(start, person.zone),
    endText: formatDateTime(end, person.zone),
    doctor: doctorFor(kind, person),
    location: isHospital(kind) ? person.practice.hospital : person.practice.clinic,
    diagnoses,
    followsUp: problems.filter((problem) => request.followsUp.includes(problem.condition)),
    reference: `{"reference":"Encounter/${id}"}`,
    age: ageOn(person, day),
  }
  for (const condition of request.diagnoses) {
    if (!hasNow(problems, condition, day)) diagnoses.push(diagnose(condition, visit, surroundings))
  }
  return visit
}

function hasNow(problems: readonly Problem[], condition: ConditionCode, day: number): boolean {
  return problems.some(
    (problem) =>
      problem.condition === condition &&
      (problem.resolvedDay === undefined || problem.resolvedDay >= day),
  )
}

function diagnose(
  condition: ConditionCode,
  visit: Visit,
  { person, random }: VisitSurroundings,
): Problem {
  const id = random.uuid()
  const isChronic = CHRONIC.has(condition)
  const resolved = dayOfSecond(visit.end) + random.between(6, 28)
  return {
    id,
    condition,
    isChronic,
    visit,
    resolvedDay: isChronic || resolved > person.lastDay ? undefined : resolved,
    reference: reference('Condition', id, condition.display),
  }
}

function isHospital(kind: VisitKind): boolean {
  return kind.name === 'emergency' || kind.name === 'inpatient'
}

function doctorFor(kind: VisitKind, person: Person): Practitioner {
  const emergencyPhysician = person.practice.practitioners[EMERGENCY_PHYSICIAN]
  return kind.name === 'emergency' && emergencyPhysician !== undefined
    ? emergencyPhysician
    : person.doctor
}
