import { formatDay, YEAR_DAYS } from '../calendar.ts'
import { snomed, usCore } from '../codes/systems.ts'
import type { Json } from '../json-text.ts'
import type { Practice } from '../practice.ts'
import type { Random } from '../random.ts'
import type { Problem, Story } from '../story/story.ts'

const SPHYGMOMANOMETER = snomed('43770009', 'Sphygmomanometer')
const OXIMETER = snomed('448703006', 'Pulse oximeter')

interface PatientDeviceCode {
  readonly type: Json
  readonly name: string
  /** SNOMED CT code of the disease that it is for. */
  readonly problem: string
  readonly perMille: number
}

const PATIENT_DEVICES: readonly PatientDeviceCode[] = [
  device('49436004', ['14106009', 'Cardiac pacemaker'], 300),
  device('84114007', ['72506001', 'Implantable defibrillator'], 250),
  device('44054006', ['337414009', 'Blood glucose meter'], 600),
]

function device(
  problem: string,
  [code, name]: readonly [string, string],
  perMille: number,
): PatientDeviceCode {
  return { type: snomed(code, name), name, problem, perMille }
}

/** The devices that the patients of a practice share. */
export function practiceDevices(practice: Practice): readonly Json[] {
  const owner = `"owner":${practice.reference},"location":${practice.clinic.reference}`
  return [
    `{"resourceType":"Device","id":"${practice.pressureMonitorId}","status":"active",` +
      `"manufacturer":"Example Devices","deviceName":[{"name":"Sphygmomanometer","type":"user-friendly-name"}],` +
      `"modelNumber":"BP-${100 + (practice.index % 900)}","type":${SPHYGMOMANOMETER},${owner}}`,
    `{"resourceType":"Device","id":"${practice.oximeterId}","status":"active",` +
      `"manufacturer":"Example Devices","deviceName":[{"name":"Pulse oximeter","type":"user-friendly-name"}],` +
      `"modelNumber":"OX-${100 + (practice.index % 900)}","type":${OXIMETER},${owner}}`,
  ]
}

/** The implants and meters of one patient. */
export function patientDevices(story: Story): readonly Json[] {
  return PATIENT_DEVICES.flatMap((code) => {
    const problem = story.problems.find((known) => known.condition.snomed === code.problem)
    const hasOne = problem !== undefined && story.random.chance(code.perMille)
    return hasOne ? [patientDevice(story, code, problem)] : []
  })
}

function patientDevice(story: Story, code: PatientDeviceCode, problem: Problem): Json {
  const { person, random } = story
  const id = random.uuid()
  const identifier = digits(14, random)
  const serial = digits(11, random)
  const lot = digits(8, random)
  const made = Math.max(person.birthDay, problem.visit.day - random.between(60, 700))
  const expires = made + 20 * YEAR_DAYS
  const carrier = `(01)${identifier}(11)${compact(made)}(17)${compact(expires)}(10)${lot}(21)${serial}`
  return (
    `{"resourceType":"Device","id":"${id}","meta":${usCore('implantable-device')},` +
    `"udiCarrier":[{"deviceIdentifier":"${identifier}","carrierHRF":"${carrier}"}],` +
    `"status":"active","distinctIdentifier":"${identifier}",` +
    `"manufactureDate":"${formatDay(made)}","expirationDate":"${formatDay(expires)}",` +
    `"lotNumber":"${lot}","serialNumber":"${serial}",` +
    `"deviceName":[{"name":"${code.name}","type":"user-friendly-name"}],"type":${code.type},` +
    `"patient":${person.subject}}`
  )
}

/** A day as `YYMMDD`, the way a device label writes it. */
function compact(day: number): string {
  return formatDay(day).slice(2).replaceAll('-', '')
}

function digits(count: number, random: Random): string {
  let text = ''
  for (let index = 0; index < count; index += 1) text += random.below(10).toString()
  return text
}
