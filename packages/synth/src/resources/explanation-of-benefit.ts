import { formatDateTime, formatDay } from '../calendar.ts'
import { hl7, hl7Concept, ICD_10_CM } from '../codes/systems.ts'
import { coding, concept, money, type Json } from '../json-text.ts'
import type { Person } from '../story/person.ts'
import type { Problem, Story } from '../story/story.ts'
import type { Charge, Chart } from './chart.ts'

const SUBMITTED = category('submitted')
const ELIGIBLE = category('eligible')
const COPAY = category('copay')
const BENEFIT = category('benefit')
const PRIMARY_CARE = hl7Concept('claimcareteamrole', 'primary', 'Primary provider')
const PRINCIPAL = hl7Concept('ex-diagnosistype', 'principal', 'Principal Diagnosis')
const COMPLETE_PAYMENT = concept([coding(hl7('ex-paymenttype'), 'complete', 'Complete')])
const ADULT_EXAMINATION = examination(
  'Z00.00',
  'Encounter for general adult medical examination without abnormal findings',
)
const CHILD_EXAMINATION = examination(
  'Z00.129',
  'Encounter for routine child health examination without abnormal findings',
)
const ADULT_AGE = 18
const DAY = 86_400

/** Four of these stand in every item: without displays, a claim stays readable. */
function category(code: string): Json {
  return `{"coding":[{"system":"${hl7('adjudication')}","code":"${code}"}]}`
}

function examination(code: string, display: string): Json {
  return concept([coding(ICD_10_CM, code, display)], display)
}

/** How one charge is split, in cents: benefit and copay make the eligible amount. */
interface Adjudicated {
  readonly submitted: number
  readonly eligible: number
  readonly copay: number
  readonly benefit: number
}

/** What the payer decides about the charges of a visit as ExplanationOfBenefit. */
export function explanationOfBenefit(story: Story, chart: Chart, coverageId: string): Json {
  const { person, random } = story
  const { visit, charges } = chart
  const id = random.uuid()
  const created = visit.end + random.between(1, 14) * DAY
  const amounts = charges.map((charge) => adjudicate(charge, person))
  const total = amounts.reduce(add)
  const paymentDay = formatDay(Math.floor(created / DAY))
  return (
    `{"resourceType":"ExplanationOfBenefit","id":"${id}",` +
    `"identifier":[{"system":"http://payer.example.org/claim","value":"C${id.slice(0, 8)}"}],` +
    `"status":"active","type":${visit.kind.claimType},"use":"claim","patient":${person.subject},` +
    `"billablePeriod":{"start":"${visit.startText}","end":"${visit.endText}"},` +
    `"created":"${formatDateTime(created, person.zone)}","insurer":${person.insurer.reference},` +
    `"provider":${person.practice.reference},"outcome":"complete",` +
    `"careTeam":[{"sequence":1,"provider":${visit.doctor.reference},"role":${PRIMARY_CARE}}],` +
    `"diagnosis":[${diagnoses(chart)}],` +
    `"insurance":[{"focal":true,"coverage":{"reference":"Coverage/${coverageId}"}}],` +
    `"item":[${charges.map((charge, index) => item(chart, { charge, index, amount: amounts[index] ?? total })).join(',')}],` +
    `"total":[${adjudications(total)}],` +
    `"payment":{"type":${COMPLETE_PAYMENT},"date":"${paymentDay}","amount":${money(total.benefit)}}}`
  )
}

function adjudicate(charge: Charge, person: Person): Adjudicated {
  const { allowedPercent, copayPercent } = person.insurer
  const eligible = Math.floor((charge.cents * allowedPercent) / 100)
  const copay = Math.floor((eligible * copayPercent) / 100)
  return { submitted: charge.cents, eligible, copay, benefit: eligible - copay }
}

function add(a: Adjudicated, b: Adjudicated): Adjudicated {
  return {
    submitted: a.submitted + b.submitted,
    eligible: a.eligible + b.eligible,
    copay: a.copay + b.copay,
    benefit: a.benefit + b.benefit,
  }
}

function item(
  { visit }: Chart,
  line: { readonly charge: Charge; readonly index: number; readonly amount: Adjudicated },
): Json {
  return (
    `{"sequence":${line.index + 1},"careTeamSequence":[1],"diagnosisSequence":[1],` +
    `"productOrService":${line.charge.concept},` +
    `"servicedDate":"${formatDay(visit.day)}",` +
    `"locationCodeableConcept":${visit.kind.placeOfService},` +
    `"quantity":{"value":1},"net":${money(line.amount.submitted)},` +
    `"encounter":[${visit.reference}],` +
    `"adjudication":[${adjudications(line.amount)}]}`
  )
}

function adjudications(amount: Adjudicated): Json {
  return (
    `{"category":${SUBMITTED},"amount":${money(amount.submitted)}},` +
    `{"category":${ELIGIBLE},"amount":${money(amount.eligible)}},` +
    `{"category":${COPAY},"amount":${money(amount.copay)}},` +
    `{"category":${BENEFIT},"amount":${money(amount.benefit)}}`
  )
}

function diagnoses({ visit }: Chart): Json {
  const problems: readonly Problem[] = [...visit.diagnoses, ...visit.followsUp]
  if (problems.length === 0) {
    const code = visit.age < ADULT_AGE ? CHILD_EXAMINATION : ADULT_EXAMINATION
    return `{"sequence":1,"diagnosisCodeableConcept":${code},"type":[${PRINCIPAL}]}`
  }
  return problems
    .map((problem, index) => {
      const type = index === 0 ? `,"type":[${PRINCIPAL}]` : ''
      return index % 2 === 0
        ? `{"sequence":${index + 1},"diagnosisReference":${problem.reference}${type}}`
        : `{"sequence":${index + 1},"diagnosisCodeableConcept":${problem.condition.icd10}${type}}`
    })
    .join(',')
}
