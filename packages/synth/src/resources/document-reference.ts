import { formatDay, formatInstant } from '../calendar.ts'
import { coding, concept, quote, type Json } from '../json-text.ts'
import { usCore } from '../codes/systems.ts'
import type { Story, Visit } from '../story/story.ts'

const CLINICAL_NOTE = concept([
  coding(
    'http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category',
    'clinical-note',
    'Clinical Note',
  ),
])
const PLAIN_TEXT_FORMAT = coding(
  'http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem',
  'urn:ihe:iti:xds:2017:mimeTypeSufficient',
  'mimeType Sufficient',
)
const LONG_NOTE_PER_MILLE = 15

/** The note of a visit as DocumentReference, with its text inline. */
export function documentReference(story: Story, visit: Visit, id: string): Json {
  const { person, random } = story
  const { kind, doctor } = visit
  const date = formatInstant(visit.end + random.between(60, 3600), random.below(1000), person.zone)
  const text = noteText(story, visit)
  return (
    `{"resourceType":"DocumentReference","id":"${id}","meta":${usCore('documentreference')},` +
    `"identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:${id}"}],` +
    `"status":"current","docStatus":"final","type":${kind.noteType},"category":[${CLINICAL_NOTE}],` +
    `"subject":${person.subject},"date":"${date}","author":[${doctor.reference}],` +
    `"custodian":${person.practice.reference},` +
    `"content":[{"attachment":${attachment(text, kind.noteDisplay, visit.endText)},` +
    `"format":${PLAIN_TEXT_FORMAT}}],` +
    `"context":{"encounter":[${visit.reference}],` +
    `"period":{"start":"${visit.startText}","end":"${visit.endText}"}}}`
  )
}

/** A plain text as Attachment, inline in base64. */
export function attachment(text: string, title: string, creation: string): Json {
  const bytes = Buffer.from(text, 'utf8')
  return (
    `{"contentType":"text/plain; charset=utf-8","language":"en-US",` +
    `"data":"${bytes.toString('base64')}","size":${bytes.length},` +
    `"title":${quote(title)},"creation":"${creation}"}`
  )
}

function noteText(story: Story, visit: Visit): string {
  const { person, random } = story
  const problems = [...visit.diagnoses, ...visit.followsUp]
  const reason =
    problems.length === 0
      ? visit.kind.display
      : problems.map((problem) => problem.condition.display).join('; ')
  const header =
    `${visit.kind.noteDisplay.toUpperCase()}\n${person.practice.name}\n\n` +
    `Patient:\t${person.display} (${person.sex}, ${visit.age} y)\nDate:\t${formatDay(visit.day)}\n` +
    `Reason:\t${reason}\n\n`
  const plan = problems
    .map((problem) => {
      const drugs = problem.condition.medications.map((drug) => drug.display).join(', ')
      return `- ${problem.condition.display}: ${drugs === '' ? 'no medication' : drugs}\n`
    })
    .join('')
  const paragraphs = random.chance(LONG_NOTE_PER_MILLE) ? random.between(20, 60) : 1
  const history =
    `${person.given} says: "${random.pick(COMPLAINTS)}" Examined and counseled; questions answered. ` +
    'Return if symptoms get worse – otherwise as planned.\n'
  return `${header}HISTORY\n${history.repeat(paragraphs)}\nPLAN\n${plan}\n${visit.doctor.display}\n`
}

const COMPLAINTS: readonly string[] = [
  "I'm well, thank you.",
  'I have been tired since last week.',
  'It is better than at the last visit.',
  'It hurts about 3/10, more at night.',
  'I cannot take the tablets twice a day.',
]
