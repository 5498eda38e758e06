import { formatInstant } from '../calendar.ts'
import { hl7Concept, usCore } from '../codes/systems.ts'
import type { Json } from '../json-text.ts'
import type { Story } from '../story/story.ts'
import type { Chart } from './chart.ts'

const AUTHOR = hl7Concept('provenance-participant-type', 'author', 'Author')
const TRANSMITTER =
  '{"coding":[{"system":"http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type",' +
  '"code":"transmitter","display":"Transmitter"}]}'
const CREATE = hl7Concept('v3-DataOperation', 'CREATE', 'create')

/** Who wrote the record of a visit as Provenance. */
export function provenance({ person, random }: Story, chart: Chart): Json {
  const { visit } = chart
  const recorded = formatInstant(
    visit.end + random.between(300, 5400),
    random.below(1000),
    person.zone,
  )
  return (
    `{"resourceType":"Provenance","id":"${random.uuid()}","meta":${usCore('provenance')},` +
    `"target":[${chart.provenanceTargets.join(',')}],"recorded":"${recorded}","activity":${CREATE},` +
    `"agent":[{"type":${AUTHOR},"who":${visit.doctor.reference},` +
    `"onBehalfOf":${person.practice.reference}},` +
    `{"type":${TRANSMITTER},"who":${person.practice.reference}}]}`
  )
}
