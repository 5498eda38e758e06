import { YEAR_DAYS } from '../calendar.ts'
import { ACUTE_CONDITIONS, CHRONIC_CONDITIONS, type ConditionCode } from '../codes/conditions.ts'
import {
  CHECK_UP,
  EMERGENCY,
  FOLLOW_UP,
  INPATIENT,
  PROBLEM_VISIT,
  TELEHEALTH,
  WELL_CHILD,
  type VisitKind,
} from '../codes/visit-kinds.ts'
import type { Random } from '../random.ts'
import { ageOn, type Person } from './person.ts'

/** Days between the last visit and the end of the record: claims and results still come in. */
const CLOSING_DAYS = 21
/** No visit begins so few days after the one before; an inpatient stay lasts at most five. */
const SPACING_DAYS = 7
const MAX_CHRONIC = 4
const MAX_FOLLOW_UPS = 9
const INFANT_CHECK_UPS: readonly number[] = [3, 30, 61, 122, 183, 274, 365, 457, 548, 730]

/** A visit that is going to happen, before its details are known. */
export interface VisitRequest {
  readonly day: number
  readonly kind: VisitKind
  /** Diagnosed at this visit. */
  readonly diagnoses: readonly ConditionCode[]
  /** Followed up at this visit. */
  readonly followsUp: readonly ConditionCode[]
}

interface Use {
  readonly weight: number
  /** Years of history. */
  readonly years: readonly [number, number]
  readonly acute: readonly [number, number]
  /** Days between follow-ups of one disease. */
  readonly followUpDays: number
}

/** How much care people use: some hardly any, a few very much. */
const USES: readonly Use[] = [
  { weight: 22, years: [1, 3], acute: [0, 2], followUpDays: 360 },
  { weight: 50, years: [2, 6], acute: [1, 5], followUpDays: 180 },
  { weight: 23, years: [5, 9], acute: [2, 8], followUpDays: 120 },
  { weight: 5, years: [8, 13], acute: [5, 12], followUpDays: 75 },
]

/** The visits of a patient in ascending order, at least a week apart; at most about 65. */
export function requestVisits(person: Person, random: Random): readonly VisitRequest[] {
  const use = random.pickWeighted(USES)
  const lastDay = person.lastDay - CLOSING_DAYS
  const historyDays = random.between(use.years[0] * YEAR_DAYS, use.years[1] * YEAR_DAYS)
  const firstDay = Math.max(person.birthDay + 3, lastDay - historyDays)
  if (firstDay > lastDay) return []
  const span: Span = { person, use, firstDay, lastDay }
  const checkUps = requestCheckUps(span, random)
  const requests = [
    ...checkUps,
    ...requestChronicCare(span, checkUps, random),
    ...requestAcuteCare(span, random),
  ]
  return spaceOut(requests.sort((a, b) => a.day - b.day))
}

interface Span {
  readonly person: Person
  readonly use: Use
  readonly firstDay: number
  readonly lastDay: number
}

function requestCheckUps(span: Span, random: Random): VisitRequest[] {
  const { person, firstDay, lastDay } = span
  const days = INFANT_CHECK_UPS.map((age) => person.birthDay + age)
  let day = Math.max(firstDay, person.birthDay + 3 * YEAR_DAYS)
  while (day <= lastDay) {
    days.push(day)
    day += random.between(330, 420)
  }
  return days
    .filter((candidate) => candidate >= firstDay && candidate <= lastDay)
    .map((candidate) => ({
      day: candidate,
      kind: ageOn(person, candidate) < 18 ? WELL_CHILD : CHECK_UP,
      diagnoses: [],
      followsUp: [],
    }))
}

/** A diagnosis is made on the day of a check-up (the two visits become one), then followed up. */
function requestChronicCare(
  span: Span,
  checkUps: readonly VisitRequest[],
  random: Random,
): VisitRequest[] {
  const requests: VisitRequest[] = []
  let chronicCount = 0
  for (const condition of CHRONIC_CONDITIONS) {
    const isMet = random.chance(chronicPerMille(condition, ageOn(span.person, span.lastDay)))
    const candidates = checkUps.filter(
      (visit) => ageOn(span.person, visit.day) >= condition.minimumAge,
    )
    if (!isMet || candidates.length === 0 || chronicCount === MAX_CHRONIC) continue
    chronicCount += 1
    const { day, kind } = random.pick(candidates.slice(0, 3))
    requests.push({ day, kind, diagnoses: [condition], followsUp: [] })
    requests.push(...requestFollowUps(span, { condition, day }, random))
  }
  return requests
}

function chronicPerMille(condition: ConditionCode, age: number): number {
  if (age < condition.minimumAge) return 0
  // Half of the probability at 65 for the young, one and a half for the oldest.
  return Math.floor((condition.weight * (32 + age)) / 97)
}

function requestFollowUps(
  span: Span,
  diagnosis: { readonly condition: ConditionCode; readonly day: number },
  random: Random,
): VisitRequest[] {
  const requests: VisitRequest[] = []
  const { followUpDays } = span.use
  let day = diagnosis.day + random.between(30, followUpDays)
  while (day <= span.lastDay && requests.length < MAX_FOLLOW_UPS) {
    const kind = random.chance(150) ? TELEHEALTH : FOLLOW_UP
    requests.push({ day, kind, diagnoses: [], followsUp: [diagnosis.condition] })
    day += random.between(Math.floor((followUpDays * 3) / 4), Math.floor((followUpDays * 5) / 4))
  }
  return requests
}

function requestAcuteCare(span: Span, random: Random): VisitRequest[] {
  const { person, use, firstDay, lastDay } = span
  const requests: VisitRequest[] = []
  const count = random.between(use.acute[0], use.acute[1])
  for (let visit = 0; visit < count; visit += 1) {
    const day = random.between(firstDay, lastDay)
    const possible = ACUTE_CONDITIONS.filter((condition) => isPossible(condition, person, day))
    const condition = random.pickWeighted(possible)
    requests.push({ day, kind: acuteKind(random), diagnoses: [condition], followsUp: [] })
  }
  return requests
}

function isPossible(condition: ConditionCode, person: Person, day: number): boolean {
  return ageOn(person, day) >= condition.minimumAge && day >= (condition.sinceDay ?? day)
}

function acuteKind(random: Random): VisitKind {
  const draw = random.below(100)
  if (draw < 4) return INPATIENT
  if (draw < 14) return EMERGENCY
  return draw < 24 ? TELEHEALTH : PROBLEM_VISIT
}

/** Visits that come too close to the one before become part of it. */
function spaceOut(sorted: readonly VisitRequest[]): readonly VisitRequest[] {
  const spaced: VisitRequest[] = []
  for (const request of sorted) {
    const previous = spaced.at(-1)
    if (previous === undefined || request.day >= previous.day + SPACING_DAYS) spaced.push(request)
    else spaced[spaced.length - 1] = merge(previous, request)
  }
  return spaced
}

function merge(first: VisitRequest, second: VisitRequest): VisitRequest {
  const diagnoses = [...new Set([...first.diagnoses, ...second.diagnoses])]
  return {
    day: first.day,
    kind: first.kind,
    diagnoses,
    followsUp: [...new Set([...first.followsUp, ...second.followsUp])].filter(
      (condition) => !diagnoses.includes(condition),
    ),
  }
}
