import * as codes from '../codes/vital-signs.ts'
import { decimal, quantity, type Json } from '../json-text.ts'
import type { Person } from '../story/person.ts'
import {
  bodyMassIndexHundredths,
  measureBody,
  type BodyMeasures,
  type Build,
} from '../story/body.ts'
import type { Story, Visit } from '../story/story.ts'
import { observation, observationTimes, type ObservationTimes } from './observation.ts'

const PRESSURE_AGE = 3
const ISSUED_AFTER = [30, 600] as const
const NOT_PERFORMED =
  '{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/data-absent-reason",' +
  '"code":"not-performed","display":"Not Performed"}],"text":"Not Performed"}'

interface Measured {
  readonly person: Person
  readonly visit: Visit
  readonly times: ObservationTimes
}

/** The vital signs of a visit in person. */
export function vitalSigns(story: Story, visit: Visit, build: Build): readonly Json[] {
  const { person, problems, random } = story
  const body = measureBody(build, { person, visit, problems, random })
  const at: Measured = {
    person,
    visit,
    times: observationTimes({ person, visit, random }, ISSUED_AFTER),
  }
  const sign = (code: codes.VitalSignCode, scaled: number, extra?: Json): Json =>
    vitalSign(at, random.uuid(), { code, scaled, extra })
  const lines = [
    sign(codes.HEART_RATE, body.heartRate),
    sign(codes.RESPIRATORY_RATE, body.respiratoryRate),
    sign(codes.BODY_TEMPERATURE, body.temperatureTenths),
    sign(codes.BODY_HEIGHT, body.heightMm),
    sign(codes.BODY_WEIGHT, Math.floor(body.weightG / 10)),
    sign(codes.OXYGEN_SATURATION, body.saturationPercent, `,"device":${person.practice.oximeter}`),
  ]
  if (visit.age >= 2) lines.push(sign(codes.BODY_MASS_INDEX, bodyMassIndexHundredths(body)))
  if (visit.age >= PRESSURE_AGE) {
    // Now and then the cuff was not put on: an Observation without a value says so.
    lines.push(bloodPressure(at, random.uuid(), random.chance(15) ? undefined : body))
  }
  return lines
}

function vitalSign(
  at: Measured,
  id: string,
  fact: {
    readonly code: codes.VitalSignCode
    readonly scaled: number
    readonly extra: Json | undefined
  },
): Json {
  const { code, scaled, extra = '' } = fact
  const value = quantity(decimal(scaled, code.digits), code.unit, code.ucum)
  return observation(at, {
    id,
    profile: code.profile,
    category: codes.VITAL_SIGNS_CATEGORY,
    code: code.code,
    result: `"valueQuantity":${value}${extra}`,
  })
}

function bloodPressure(at: Measured, id: string, body: BodyMeasures | undefined): Json {
  const component = (code: Json, value: number): Json =>
    `{"code":${code},"valueQuantity":${quantity(value.toString(), 'mmHg', 'mm[Hg]')}}`
  const result =
    body === undefined
      ? `"dataAbsentReason":${NOT_PERFORMED}`
      : `"device":${at.person.practice.pressureMonitor},"component":[` +
        `${component(codes.SYSTOLIC, body.systolic)},${component(codes.DIASTOLIC, body.diastolic)}]`
  return observation(at, {
    id,
    profile: 'blood-pressure',
    category: codes.VITAL_SIGNS_CATEGORY,
    code: codes.BLOOD_PRESSURE,
    result,
  })
}

/** What the patient says about tobacco, and about pain when he comes with a complaint. */
export function interview(story: Story, visit: Visit): readonly Json[] {
  const { person, random, smoking } = story
  const at: Measured = {
    person,
    visit,
    times: observationTimes({ person, visit, random }, ISSUED_AFTER),
  }
  const lines: Json[] = []
  if (visit.kind.name === 'check-up' && smoking !== undefined && visit.age >= 16) {
    lines.push(
      observation(at, {
        id: random.uuid(),
        profile: 'smokingstatus',
        category: codes.SOCIAL_HISTORY_CATEGORY,
        code: codes.SMOKING_STATUS,
        result: `"valueCodeableConcept":${smoking.concept}`,
      }),
    )
  }
  if (visit.age >= 5 && (visit.kind.name === 'problem' || visit.kind.name === 'emergency')) {
    lines.push(
      observation(at, {
        id: random.uuid(),
        profile: 'simple-observation',
        category: codes.SURVEY_CATEGORY,
        code: codes.PAIN_SEVERITY,
        result: `"valueQuantity":${quantity(random.below(11).toString(), 'score', '{score}')}`,
      }),
    )
  }
  return lines
}
