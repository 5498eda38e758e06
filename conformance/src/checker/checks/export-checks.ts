import { parseHttpDate, parseRetryAfter, type ExportLevel } from '@flatfhir/protocol'
import { bulkData, stu1 } from '../../requirements/ids.ts'
import type { Check } from '../check.ts'
import type { CheckAnswer } from '../check-http.ts'
import { SkipCheck } from '../errors.ts'
import type { Findings } from '../findings.ts'
import { isOperationOutcome } from '../json.ts'
import { isFhirJson, isJson } from '../media-type.ts'
import { printable, shownHeader } from '../printable.ts'
import { hasOutcome, isError, shownAnswer } from '../refusal.ts'
import type { Session } from '../session.ts'

const ASYNC_REQUIREMENTS: Readonly<Record<ExportLevel, readonly string[]>> = {
  system: [bulkData(223), bulkData(229)],
  group: [bulkData(224), bulkData(249)],
  patient: [bulkData(225), bulkData(272)],
}
const GET_REQUIREMENTS: readonly string[] = [
  ...[13, 20, 28, 227, 29, 228].map(bulkData),
  stu1('kick-off-get'),
]

/** Kick-offs at every level. */
export const KICK_OFF: Check = {
  id: 'kick-off',
  title: 'Kick-offs are answered with 202 and a status URL',
  run: async (session, findings) => {
    const { kickOff, answer } = await session.main()
    requireAccepted(findings, answer, kickOff.level)
    for (const level of (await session.levels()).slice(1)) {
      const small = await session.smallKickOff()
      requireAccepted(findings, await session.tryKickOff({ ...small, level }), level)
    }
  },
}

function requireAccepted(findings: Findings, answer: CheckAnswer, level: ExportLevel): void {
  const location = answer.headers['content-location']
  const isAbsolute = location !== undefined && /^https?:\/\//i.test(location)
  const seen = `${level}: HTTP ${answer.status}`
  const accepted = answer.status === 202
  findings.require([...GET_REQUIREMENTS, ...ASYNC_REQUIREMENTS[level]], accepted, seen)
  findings.require(bulkData(300), accepted, seen)
  const kind = location === undefined ? 'no Content-Location' : 'a relative Content-Location'
  const shown = `${seen}, ${isAbsolute ? 'an absolute Content-Location' : kind}`
  findings.require(bulkData(301), accepted && isAbsolute, shown)
}

/** The status of the main export, until it is complete. */
export const STATUS: Check = {
  id: 'status',
  title: 'The status tells how far the export is',
  run: async (session, findings) => {
    const { inProgress, last } = await session.finishedMain()
    for (const answer of inProgress) requireInProgress(session, findings, answer)
    if (inProgress.length === 0) findings.note('The export was complete at the first request')
    const seen = `HTTP ${last.status}, ${shownHeader(last.headers, 'content-type')}`
    const complete = last.status === 200
    findings.require([bulkData(21), bulkData(310), bulkData(144)], complete, seen)
    if (!complete) return
    findings.require(bulkData(145), isJson(last.headers['content-type']), seen)
    const expires = last.headers['expires']
    const isDate =
      expires !== undefined && parseHttpDate(expires, session.options.now()) !== undefined
    findings.require(bulkData(146), isDate, shownHeader(last.headers, 'expires'))
  },
}

function requireInProgress(session: Session, findings: Findings, answer: CheckAnswer): void {
  findings.require(bulkData(132), true, 'HTTP 202 while the export runs')
  const { headers } = answer
  const seconds = parseRetryAfter(headers['retry-after'], session.options.now())
  findings.require(bulkData(125), seconds !== undefined, shownHeader(headers, 'retry-after'))
  const progress = headers['x-progress']
  if (progress !== undefined && progress.length >= 100) {
    findings.note(`X-Progress has ${progress.length} characters; it is to have fewer than 100`)
  }
}

/** Status and Delete Requests of an export that there never was. */
export const UNKNOWN_JOB: Check = {
  id: 'unknown-job',
  title: 'An export that does not exist is an error',
  run: async (session, findings) => {
    const { started } = await session.main()
    if (started === undefined) throw new SkipCheck('No export could be kicked off')
    const url = otherJob(started.statusUrl)
    const status = await session.http.ask({ url, headers: { accept: 'application/json' } })
    const seen = `status: ${shownAnswer(status)}`
    findings.require(bulkData(136), isError(status), seen)
    if (isOperationOutcome(status.json)) {
      findings.require(bulkData(137), isFhirJson(status.headers['content-type']), seen)
    }
    const deleted = await session.http.ask({ method: 'DELETE', url })
    const deletedSeen = `delete: ${shownAnswer(deleted)}`
    findings.require(bulkData(308), isError(deleted), deletedSeen)
    findings.require(bulkData(309), hasOutcome(deleted), deletedSeen)
  },
}

/** Another status URL of the same form: every letter and digit of its last id is turned round. */
function otherJob(statusUrl: URL): URL {
  const url = new URL(statusUrl)
  const turn = (text: string): string =>
    text.replace(/[0-9a-f]/g, (digit) => (15 - parseInt(digit, 16)).toString(16))
  const id = /([^/]+)(\/?(?:\$?status)?\/?)$/.exec(url.pathname)
  if (id === null || url.searchParams.size > 0) {
    for (const [name, value] of url.searchParams) url.searchParams.set(name, turn(value))
    return url
  }
  url.pathname = url.pathname.slice(0, id.index) + turn(id[1] ?? '') + (id[2] ?? '')
  return url
}

/** The Delete Request, and what is left afterwards. */
export const DELETE: Check = {
  id: 'delete',
  title: 'A deleted export is gone',
  run: async (session, findings) => {
    const { started } = await session.main()
    if (started === undefined) throw new SkipCheck('No export could be kicked off')
    const deleted = await session.exports.delete(started)
    const seen = `delete: HTTP ${deleted.status}`
    if (!findings.require([bulkData(305), bulkData(306)], deleted.status === 202, seen)) return
    const status = await session.exports.status(started)
    const gone = status.status === 404 && hasOutcome(status)
    findings.require(bulkData(122), gone, `status afterwards: ${printable(shownAnswer(status))}`)
  },
}
