import { formatDay } from '../calendar.ts'
import { hl7, hl7Concept, usCore } from '../codes/systems.ts'
import { coding, concept, quote, type Json } from '../json-text.ts'
import type { Story } from '../story/story.ts'

const SELF = hl7Concept('subscriber-relationship', 'self', 'Self')
const GROUP_CLASS = concept([coding(hl7('coverage-class'), 'group', 'Group')])
const PLAN_CLASS = concept([coding(hl7('coverage-class'), 'plan', 'Plan')])
const MEMBER_NUMBER = concept([coding(hl7('v2-0203'), 'MB', 'Member Number')])

/** Until when, and by which contract, a person is covered. */
interface CoverageFacts {
  readonly id: string
  readonly startDay: number
  /** The last day; `undefined` while the coverage lasts. */
  readonly endDay: number | undefined
}

/** The insurance of a person as Coverage. */
export function coverage(story: Story, facts: CoverageFacts): Json {
  const { person, random } = story
  const { insurer } = person
  const member = `M${person.payer}${person.number.toString().padStart(8, '0')}`
  const end = facts.endDay === undefined ? '' : `,"end":"${formatDay(facts.endDay)}"`
  return (
    `{"resourceType":"Coverage","id":"${facts.id}","meta":${usCore('coverage')},` +
    `"identifier":[{"type":${MEMBER_NUMBER},"system":"http://payer.example.org/member",` +
    `"value":"${member}"}],"status":"${facts.endDay === undefined ? 'active' : 'cancelled'}",` +
    `"type":${insurer.type},"subscriber":${person.subject},"subscriberId":"${member}",` +
    `"beneficiary":${person.subject},"relationship":${SELF},` +
    `"period":{"start":"${formatDay(facts.startDay)}"${end}},"payor":[${insurer.reference}],` +
    `"class":[{"type":${GROUP_CLASS},"value":"G${1000 + random.below(9000)}"},` +
    `{"type":${PLAN_CLASS},"value":"${random.below(100)}","name":${quote(insurer.plan)}}]}`
  )
}
