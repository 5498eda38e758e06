import { bulkData, stu3 } from '../../requirements/ids.ts'
import type { Check } from '../check.ts'
import type { CheckAnswer } from '../check-http.ts'
import { SkipCheck } from '../errors.ts'
import type { FinishedExport } from '../exports.ts'
import type { Findings } from '../findings.ts'
import { isJsonObject, objectsOf } from '../json.ts'
import { smallParameters } from '../kick-off-request.ts'
import { hasOutcome, isError, shownAnswer } from '../refusal.ts'
import type { Session } from '../session.ts'
import { requireTaken } from './parameter-checks.ts'
import { readOutput } from './read-output.ts'

/** What every resource has, or may keep whatever was asked for. */
const ALWAYS_THERE: ReadonlySet<string> = new Set(['resourceType', 'id', 'meta', 'implicitRules'])
const SUBSETTED_SYSTEM = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue'
type Json = Readonly<Record<string, unknown>>

/** `_elements`, or its refusal. */
export const ELEMENTS: Check = {
  id: 'elements',
  title: '_elements leaves out what was not asked for, or is refused',
  run: async (session, findings) => {
    await requireTaken(session)
    const { type } = session.options
    for (const elements of [`${type}.id,${type}.gender`, 'id,gender']) {
      const kickOff = await session.smallKickOff([['_elements', elements]])
      await session.export(kickOff, async (answer, finished) => {
        if (!requireTakenOrRefused(findings, answer, [bulkData(81)])) return
        if (finished?.manifest !== undefined) await requireSubset(session, findings, finished)
      })
    }
  },
}

async function requireSubset(
  session: Session,
  findings: Findings,
  finished: FinishedExport,
): Promise<void> {
  let resources = 0
  let tagged = 0
  const others = new Set<string>()
  await readOutput(session, finished, (resource) => {
    resources += 1
    if (isSubsetted(resource)) tagged += 1
    for (const name of Object.keys(resource)) {
      if (!ALWAYS_THERE.has(name) && name !== 'gender' && name !== '_gender') others.add(name)
    }
  })
  if (resources === 0) throw new SkipCheck('The export has no resources to look at')
  // Only Patient has no mandatory elements of its own; other types may keep theirs.
  const isPatient = session.options.type === 'Patient'
  const seen = `${resources} resources, ${others.size} elements that were not asked for`
  if (isPatient) {
    const ids = [bulkData(75), bulkData(76), bulkData(78), bulkData(79)]
    findings.require(ids, others.size === 0, seen)
  } else findings.note(`${seen}; some may be mandatory`)
  findings.require(bulkData(80), tagged === resources, `${tagged} of ${resources} with SUBSETTED`)
}

function isSubsetted({ meta }: Json): boolean {
  const tags = isJsonObject(meta) ? objectsOf(meta['tag']) : []
  return tags.some(({ system, code }) => {
    return code === 'SUBSETTED' && (system === undefined || system === SUBSETTED_SYSTEM)
  })
}

/** `_typeFilter`, or its refusal. */
export const TYPE_FILTER: Check = {
  id: 'type-filter',
  title: '_typeFilter filters, or is refused',
  run: async (session, findings) => {
    await requireTaken(session)
    const { type } = session.options
    if (type !== 'Patient') throw new SkipCheck('Only Patients are filtered by this check')
    const kickOff = await session.smallKickOff([['_typeFilter', 'Patient?gender=female']])
    await session.export(kickOff, async (answer, finished) => {
      if (!requireTakenOrRefused(findings, answer, [bulkData(105)])) return
      if (finished?.manifest === undefined) return
      let others = 0
      await readOutput(session, finished, ({ gender }) => {
        if (gender !== 'female') others += 1
      })
      const seen = `gender=female: ${others} resources that do not match`
      findings.require([bulkData(103), stu3('type-filter-matches')], others === 0, seen)
    })
    const sorted = await session.smallKickOff([['_typeFilter', 'Patient?_sort=birthdate']])
    const answer = await session.tryKickOff(sorted)
    const shown = `_sort: ${shownAnswer(answer)}`
    findings.require(stu3('type-filter-result-parameters'), isError(answer), shown)
    findings.require(bulkData(105), isError(answer) && hasOutcome(answer), shown)
  },
}

/** `patient`, or its refusal. */
export const PATIENT: Check = {
  id: 'patient',
  title: 'patient limits the export to some patients, or is refused',
  run: async (session, findings) => {
    await requireTaken(session)
    const level = (await session.levels()).find((each) => each !== 'system')
    if (level === undefined) throw new SkipCheck('The server has system level exports only')
    const { type, since } = session.options
    if (type !== 'Patient') throw new SkipCheck('Only Patients are looked at by this check')
    const ids = await somePatients(session)
    const [id] = ids
    if (id === undefined) throw new SkipCheck('The export has no Patients')
    const forPatients = (...patients: readonly string[]): Parameters<Session['export']>[0] => ({
      ...{ level, method: 'POST' },
      parameters: [
        ...smallParameters('Patient', since),
        ...patients.map((each) => ({
          name: 'patient',
          valueReference: { reference: `Patient/${each}` },
        })),
      ],
    })
    await session.export(forPatients(id), async (answer, finished) => {
      if (!requireTakenOrRefused(findings, answer, [bulkData(88)])) return
      if (finished?.manifest === undefined) return
      let others = 0
      await readOutput(session, finished, (resource) => {
        if (resource['id'] !== id) others += 1
      })
      findings.require(bulkData(85), others === 0, `${others} other Patients`)
      const unknown = await session.tryKickOff(forPatients('flatfhir-check-nobody'))
      const seen = `a patient that does not exist: ${shownAnswer(unknown)}`
      findings.require(bulkData(86), isError(unknown) && hasOutcome(unknown), seen)
    })
  },
}

/** Ids of patients in the main export; they stay in memory and never get into a report. */
async function somePatients(session: Session): Promise<readonly string[]> {
  const ids: string[] = []
  await readOutput(session, await session.finishedMain(), ({ id }) => {
    if (typeof id === 'string' && ids.length < 2) ids.push(id)
  })
  return ids
}

/** A parameter that is optional may be refused, if it is refused properly. @returns if taken. */
function requireTakenOrRefused(
  findings: Findings,
  answer: CheckAnswer,
  ids: readonly string[],
): boolean {
  if (answer.status === 202) return true
  const refused = isError(answer) && hasOutcome(answer)
  findings.require(ids, refused, `not supported: ${shownAnswer(answer)}`)
  return false
}
