import { formatDay } from '../calendar.ts'
import type { CarePlanCode } from '../codes/care-plans.ts'
import { coding, concept, quote, type Json } from '../json-text.ts'
import { hl7Concept, usCore } from '../codes/systems.ts'
import type { Problem, Story } from '../story/story.ts'

const ASSESS_PLAN = concept([
  coding(
    'http://hl7.org/fhir/us/core/CodeSystem/careplan-category',
    'assess-plan',
    'Assessment and Plan of Treatment',
  ),
])
const IN_PROGRESS = hl7Concept('goal-achievement', 'in-progress', 'In Progress')
const NOT_ACHIEVED = hl7Concept('goal-achievement', 'not-achieved', 'Not Achieved')
const HIGH_PRIORITY = hl7Concept('goal-priority', 'high-priority', 'High Priority')

interface Care {
  readonly problem: Problem
  readonly plan: CarePlanCode
}

/** A plan of care for a problem as CarePlan. */
export function carePlan(
  story: Story,
  care: Care,
  ids: { readonly carePlan: string; readonly careTeam: string; readonly goal: string },
): Json {
  const { person } = story
  const { problem, plan } = care
  const isOver = person.deathDay !== undefined
  const end = isOver ? `,"end":"${formatDay(person.lastDay)}"` : ''
  const items = plan.activities.map((activity) => `<li>${activity.display}</li>`).join('')
  const div = `<div xmlns="http://www.w3.org/1999/xhtml">${plan.display}.<ul>${items}</ul></div>`
  return (
    `{"resourceType":"CarePlan","id":"${ids.carePlan}","meta":${usCore('careplan')},` +
    `"text":{"status":"generated","div":${quote(div)}},` +
    `"status":"${isOver ? 'completed' : 'active'}","intent":"plan",` +
    `"category":[${ASSESS_PLAN},${plan.category}],"title":${quote(plan.display)},` +
    `"subject":${person.subject},"encounter":${problem.visit.reference},` +
    `"period":{"start":"${formatDay(problem.visit.day)}"${end}},` +
    `"author":${problem.visit.doctor.reference},` +
    `"careTeam":[{"reference":"CareTeam/${ids.careTeam}","display":"Primary care team"}],` +
    `"addresses":[${problem.reference}],"goal":[{"reference":"Goal/${ids.goal}"}],` +
    `"activity":[${plan.activities.map((item) => activityDetail(item.concept, isOver, story)).join(',')}]}`
  )
}

function activityDetail(code: Json, isOver: boolean, { person }: Story): Json {
  const status = isOver ? 'completed' : 'in-progress'
  return `{"detail":{"code":${code},"status":"${status}","location":${person.practice.clinic.reference}}}`
}

/** What a plan of care aims at as Goal. */
export function goal(story: Story, care: Care, id: string): Json {
  const { person } = story
  const { problem, plan } = care
  const isOver = person.deathDay !== undefined
  const dueDay = problem.visit.day + 180
  const due = isOver ? '' : `,"dueDate":"${formatDay(dueDay)}"`
  return (
    `{"resourceType":"Goal","id":"${id}","meta":${usCore('goal')},` +
    `"lifecycleStatus":"${isOver ? 'cancelled' : 'active'}",` +
    `"achievementStatus":${isOver ? NOT_ACHIEVED : IN_PROGRESS},"priority":${HIGH_PRIORITY},` +
    `"description":{"text":${quote(plan.goal.text)}},"subject":${person.subject},` +
    `"startDate":"${formatDay(problem.visit.day)}",` +
    `"target":[{"measure":${plan.goal.measure},${plan.goal.detail}${due}}],` +
    `"expressedBy":${problem.visit.doctor.reference},"addresses":[${problem.reference}]}`
  )
}
