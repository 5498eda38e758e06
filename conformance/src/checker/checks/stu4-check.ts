import type { ExportLevel } from '@flatfhir/protocol'
import { stu4 } from '../../requirements/ids.ts'
import type { Check } from '../check.ts'
import { SkipCheck } from '../errors.ts'
import type { FinishedExport } from '../exports.ts'
import type { Findings } from '../findings.ts'
import { objectsOf } from '../json.ts'
import { smallParameters, smallQuery, type KickOff } from '../kick-off-request.ts'
import { isError, shownAnswer } from '../refusal.ts'
import type { Session } from '../session.ts'

/** The operation of STU4, where the CapabilityStatement lists it. */
export const STU4: Check = {
  id: 'stu4',
  title: 'The export of STU4 keeps to STU4',
  run: async (session, findings) => {
    const { level, operation } = await operationOf(session)
    findings.require(stu4('capabilities'), true, `${operation} is listed`)
    const { type, since } = session.options
    const post: KickOff = {
      ...{ level, operation, method: 'POST' },
      parameters: smallParameters(type, since),
    }
    await session.export(post, async (answer, finished) => {
      const ids = [stu4('kick-off-post'), stu4('kick-off-parameters')]
      findings.require(ids, answer.status === 202, `POST: HTTP ${answer.status}`)
      if (finished?.manifest !== undefined) requireManifest(findings, finished)
    })
    const get = await session.tryKickOff({ level, operation, query: smallQuery(type, since) })
    findings.require(stu4('kick-off-get'), isError(get), `GET: ${shownAnswer(get)}`)
    const parameters = smallParameters(`${type},Device`, since)
    const joined = await session.tryKickOff({ ...post, parameters })
    const seen = `types joined by a comma: ${shownAnswer(joined)}`
    findings.require(stu4('no-comma-lists'), isError(joined), seen)
  },
}

async function operationOf(
  session: Session,
): Promise<{ readonly level: ExportLevel; readonly operation: string }> {
  const offered = (await session.capabilities())?.stu4
  const { levels, groupId } = session.options
  for (const [level, operation] of offered ?? []) {
    const wanted = levels?.includes(level) ?? true
    if (wanted && (level !== 'group' || groupId !== undefined)) return { level, operation }
  }
  throw new SkipCheck('The CapabilityStatement lists no export of STU4')
}

function requireManifest(findings: Findings, { manifest = {} }: FinishedExport): void {
  const { outcome, error, request } = manifest
  const right = error === undefined && (outcome === undefined || Array.isArray(outcome))
  const lists = `error is ${error === undefined ? 'absent' : 'there'}`
  findings.require(stu4('manifest-outcome'), right, lists)
  const without = request === undefined
  const shown = without ? 'no request' : 'a request'
  findings.require(stu4('manifest-no-request'), without, shown)
  const holders = [
    manifest,
    ...['output', 'deleted', 'outcome'].flatMap((l) => objectsOf(manifest[l])),
  ]
  const extensions = holders.map(({ extension }) => extension).filter((e) => e !== undefined)
  const arrays = extensions.every(Array.isArray)
  const seen = extensions.length === 0 ? 'no extensions' : arrays ? 'arrays' : 'no arrays'
  findings.require(stu4('manifest-extensions'), arrays, seen)
}
