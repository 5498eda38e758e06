import { bulkData, smart, stu3 } from '../../requirements/ids.ts'
import type { Check } from '../check.ts'
import type { CheckAnswer } from '../check-http.ts'
import { SkipCheck } from '../errors.ts'
import type { FinishedExport } from '../exports.ts'
import type { Findings } from '../findings.ts'
import { smallQuery, type KickOff } from '../kick-off-request.ts'
import { printable, shownHeader } from '../printable.ts'
import { hasOutcome, isError, requireRefusal, shownAnswer } from '../refusal.ts'
import type { Session } from '../session.ts'
import { readOutput, typesIn } from './read-output.ts'

/** Stops a check of kick-offs where none are taken at all. */
export async function requireTaken(session: Session): Promise<void> {
  const { answer } = await session.main()
  if (answer.status !== 202) throw new SkipCheck(`Kick-offs are answered with ${answer.status}`)
}

/** Kick-offs with other headers than usual: free to refuse them, but not in what way. */
export const KICK_OFF_HEADERS: Check = {
  id: 'kick-off-headers',
  title: 'Accept and Prefer are read with sense',
  run: async (session, findings) => {
    await requireTaken(session)
    const small = await session.smallKickOff()
    const variants: readonly (readonly [string, Readonly<Record<string, string | undefined>>])[] = [
      ['no Accept', { accept: undefined }],
      ['Accept: */*', { accept: '*/*' }],
      ['Accept: text/html', { accept: 'text/html' }],
      ['no Prefer', { prefer: undefined }],
      ['Prefer: respond-async, handling=lenient', { prefer: 'respond-async, handling=lenient' }],
    ]
    for (const [what, headers] of variants) {
      const answer = await session.tryKickOff({ ...small, headers })
      if (isError(answer)) requireRefusal(findings, answer, what)
      else findings.require(bulkData(303), answer.status === 202, `${what}: HTTP ${answer.status}`)
    }
  },
}

/** Kick-offs that no server can carry out. */
export const REFUSALS: Check = {
  id: 'refusals',
  title: 'What cannot be carried out is refused with an OperationOutcome',
  run: async (session, findings) => {
    await requireTaken(session)
    const { type, since } = session.options
    const small = await session.smallKickOff()
    const withQuery = (query: KickOff['query']): KickOff => ({ ...small, ...(query && { query }) })
    const requests: readonly (readonly [string, KickOff])[] = [
      [
        '_since that is no instant',
        withQuery([
          ['_type', type],
          ['_since', 'yesterday'],
        ]),
      ],
      [
        '_outputFormat that nobody knows',
        withQuery([...smallQuery(type, since), ['_outputFormat', 'application/x-flatfhir-check']]),
      ],
    ]
    for (const [what, kickOff] of requests) {
      requireRefusal(findings, await session.tryKickOff(kickOff), what)
    }
  },
}

/** The three names of NDJSON. */
export const OUTPUT_FORMAT: Check = {
  id: 'output-format',
  title: '_outputFormat takes the three names of NDJSON',
  run: async (session, findings) => {
    await requireTaken(session)
    const names = [
      ['application/fhir+ndjson', [47, 231, 251, 274, 49, 51]],
      ['application/ndjson', [52]],
      ['ndjson', [52]],
    ] as const
    for (const [name, ids] of names) {
      const answer = await session.tryKickOff(await session.smallKickOff([['_outputFormat', name]]))
      const seen = `${name}: HTTP ${answer.status}`
      findings.require(ids.map(bulkData), answer.status === 202, seen)
    }
  },
}

/** `_type`: filtered, repeated, and with a type that there is not. */
export const TYPES: Check = {
  id: 'types',
  title: '_type limits the export to its types',
  run: async (session, findings) => {
    await requireTaken(session)
    const { type, since } = session.options
    const main = await session.finishedMain()
    const only = typesIn(main)
    const seen = `asked for ${printable(type)}: ${only.length} types`
    findings.require(
      bulkData(62),
      only.every((each) => each === type),
      seen,
    )
    await requireSameTypes(session, findings)
    const small = await session.smallKickOff()
    const query = smallQuery('FlatfhirCheckNoSuchType', since)
    const unknown = await session.tryKickOff({ ...small, query })
    const refused = isError(unknown) && hasOutcome(unknown)
    const shown = `a type that FHIR does not have: ${shownAnswer(unknown)}`
    findings.require([bulkData(70), bulkData(108), smart(244)], refused, shown)
  },
}

async function requireSameTypes(session: Session, findings: Findings): Promise<void> {
  const { type, since } = session.options
  const other = type === 'Group' ? 'Patient' : 'Device'
  const small = await session.smallKickOff()
  const rest = smallQuery(type, since).slice(1)
  const types = async (query: KickOff['query']): Promise<readonly string[] | undefined> =>
    await session.export({ ...small, ...(query && { query }) }, async (_, finished) =>
      finished?.manifest === undefined ? undefined : typesIn(finished),
    )
  const repeated = await types([['_type', type], ['_type', other], ...rest])
  const joined = await types([['_type', `${type},${other}`], ...rest])
  if (joined === undefined) {
    findings.note('Types joined by a comma were not exported, so repeated ones were not compared')
    return
  }
  const same = repeated?.join() === joined.join()
  const seen = `repeated: ${repeated === undefined ? 'refused' : 'taken'}, joined: taken`
  findings.require(bulkData(32), same, same ? 'the same types' : seen)
}

/** `_since`, at an instant before which nothing is left out and after which nothing is left. */
export const SINCE: Check = {
  id: 'since',
  title: '_since limits the export to what changed',
  run: async (session, findings) => {
    await requireTaken(session)
    const { type, now } = session.options
    const small = await session.smallKickOff()
    const anHourAgo = new Date(now().getTime() - 3_600_000)
    await session.export(
      { ...small, query: smallQuery(type, anHourAgo) },
      async (answer, finished) => {
        const seen = `_since an hour ago: HTTP ${answer.status}`
        findings.require([53, 234, 254, 277].map(bulkData), answer.status === 202, seen)
        if (finished?.manifest === undefined) return
        const old = await countOlder(session, finished, anHourAgo)
        if (old > 0) findings.note(`${old} resources are older than _since, which is allowed`)
        const complete = finished.last.status === 200
        findings.require(bulkData(59), complete, `complete: HTTP ${finished.last.status}`)
      },
    )
  },
}

async function countOlder(
  session: Session,
  finished: FinishedExport,
  since: Date,
): Promise<number> {
  let older = 0
  await readOutput(session, finished, ({ meta }) => {
    const updated =
      typeof meta === 'object' && meta !== null && 'lastUpdated' in meta ? meta.lastUpdated : ''
    if (typeof updated === 'string' && Date.parse(updated) < since.getTime()) older += 1
  })
  return older
}

/** `Prefer: separate-export-status`, where the server applies it. */
export const SEPARATE_EXPORT_STATUS: Check = {
  id: 'separate-export-status',
  title: 'separate-export-status is applied in full, or not at all',
  run: async (session, findings) => {
    await requireTaken(session)
    const small = await session.smallKickOff()
    const headers = { prefer: 'respond-async, separate-export-status' }
    await session.export({ ...small, headers }, async (answer, finished) => {
      const applied = answer.headers['preference-applied'] ?? ''
      const last = finished?.last
      const separate = last?.headers['x-export-status'] !== undefined
      if (!applied.includes('separate-export-status') && !separate) {
        throw new SkipCheck('The server does not apply separate-export-status')
      }
      const both = /\brespond-async\b/.test(applied) && applied.includes('separate-export-status')
      const shown = shownHeader(answer.headers, 'preference-applied')
      findings.require(stu3('separate-export-status-applied'), both, shown)
      if (last !== undefined) requireSeparateStatus(findings, last)
    })
  },
}

function requireSeparateStatus(findings: Findings, last: CheckAnswer): void {
  const status = last.headers['x-export-status']
  const right = last.status === 200 && status !== undefined && /^[1-5]\d\d$/.test(status.trim())
  const seen = `HTTP ${last.status}, ${shownHeader(last.headers, 'x-export-status')}`
  findings.require(stu3('separate-export-status-code'), right, seen)
}
