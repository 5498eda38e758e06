import {
  LABORATORY_REPORT,
  type LaboratoryPanel,
  type LaboratoryTest,
} from '../codes/laboratory.ts'
import { hl7Concept, usCore } from '../codes/systems.ts'
import { LABORATORY_CATEGORY } from '../codes/vital-signs.ts'
import { decimal, quantity, quote, type Json } from '../json-text.ts'
import type { Story } from '../story/story.ts'
import type { Chart } from './chart.ts'
import { observation, observationTimes, type ObservationTimes } from './observation.ts'

/** Results come between an hour and a day after the visit. */
const ISSUED_AFTER = [3600, 86_400] as const
const OBSERVATION_INTERPRETATION = 'v3-ObservationInterpretation'
const HIGH = hl7Concept(OBSERVATION_INTERPRETATION, 'H', 'High')
const LOW = hl7Concept(OBSERVATION_INTERPRETATION, 'L', 'Low')
const NORMAL = hl7Concept(OBSERVATION_INTERPRETATION, 'N', 'Normal')

/** Runs a panel at a visit: its results, and the report that holds them together. */
export function runPanel(
  chart: Chart,
  story: Story,
  order: { readonly panel: LaboratoryPanel; readonly isDisturbed: boolean },
): void {
  const { visit } = chart
  const { person, random } = story
  const { panel, isDisturbed } = order
  const times = observationTimes({ person, visit, random }, ISSUED_AFTER)
  const results = panel.tests.map((test) => {
    const id = random.uuid()
    chart.add(
      'Observation',
      observation(
        { person, visit, times },
        {
          id,
          profile: 'observation-lab',
          category: LABORATORY_CATEGORY,
          code: test.code,
          result: resultOf(test, drawResult(test, isDisturbed, story)),
        },
      ),
    )
    return `{"reference":"Observation/${id}","display":${quote(test.display)}}`
  })
  chart.charges.push({ concept: panel.code, cents: panel.cents })
  chart.add('DiagnosticReport', report(chart, story, { panel, results, times }))
}

function drawResult(test: LaboratoryTest, isDisturbed: boolean, { random }: Story): number {
  const span = test.normalHigh - test.normalLow
  const overshoot = Math.max(1, Math.floor(span / 12))
  const healthy = random.between(test.normalLow - overshoot, test.normalHigh + overshoot)
  const drift = random.between(0, test.drift)
  return Math.max(1, isDisturbed ? healthy + drift : healthy)
}

function resultOf(test: LaboratoryTest, scaled: number): Json {
  const value = quantity(decimal(scaled, test.digits), test.unit, test.ucum)
  let interpretation = NORMAL
  if (scaled > test.normalHigh) interpretation = HIGH
  else if (scaled < test.normalLow) interpretation = LOW
  return `"valueQuantity":${value},"interpretation":[${interpretation}],"referenceRange":${test.referenceRange}`
}

function report(
  chart: Chart,
  story: Story,
  facts: {
    readonly panel: LaboratoryPanel
    readonly results: readonly Json[]
    readonly times: ObservationTimes
  },
): Json {
  const { visit } = chart
  const { person, random } = story
  const { panel, results, times } = facts
  return (
    `{"resourceType":"DiagnosticReport","id":"${random.uuid()}",` +
    `"meta":${usCore('diagnosticreport-lab')},"status":"final","category":[${LABORATORY_REPORT}],` +
    `"code":${panel.code},"subject":${person.subject},"encounter":${visit.reference},` +
    `"effectiveDateTime":"${times.effective}","issued":"${times.issued}",` +
    `"performer":[${person.practice.reference}],"resultsInterpreter":[${visit.doctor.reference}],` +
    `"result":[${results.join(',')}]}`
  )
}
