import { bulkData, smart, stu4 } from '@flatfhir/conformance'
import { afterAll, beforeAll, expect } from 'vitest'
import { ASYNC, idsOf, startSmartProvider, type SmartProvider } from '../fixtures.ts'
import { verifies } from '../verifies.ts'

let provider: SmartProvider

beforeAll(async () => {
  provider = await startSmartProvider()
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

verifies([bulkData(4), bulkData(218), smart(247)], async () => {
  const kickOff = await fetch(`${provider.url}/$export`, { headers: ASYNC })
  const capabilities = await fetch(`${provider.url}/metadata`)
  const configuration = await fetch(`${provider.url}/.well-known/smart-configuration`)

  expect(kickOff.status).toBe(401)
  expect(kickOff.headers.get('www-authenticate')).toContain('Bearer')
  expect([capabilities.status, configuration.status]).toEqual([200, 200])
})

verifies([bulkData(5), bulkData(161), bulkData(162), bulkData(210)], async () => {
  const client = await provider.addClient()
  const all = bearer(await provider.token(client))
  const narrow = bearer(await provider.token(client, 'system/Observation.read'))
  const { statusUrl, manifest } = await provider.exported('/$export?_type=Patient', {
    headers: all,
  })
  const fileUrl = manifest.output[0]?.url ?? ''

  expect(manifest.requiresAccessToken).toBe(true)
  for (const url of [statusUrl, fileUrl]) {
    expect((await fetch(url)).status).toBe(401)
    expect((await fetch(url, { headers: narrow })).status).toBe(403)
    expect((await fetch(url, { headers: all })).status).toBe(200)
  }
})

verifies([bulkData(9), bulkData(27), bulkData(226), smart(241), smart(266)], async () => {
  const client = await provider.addClient()
  const headers = bearer(await provider.token(client, 'system/Observation.rs'))

  const exported = await provider.exported('/$export', { headers })

  expect(exported.manifest.output.map(({ type }) => type)).toEqual(['Observation'])
  expect(idsOf(await exported.resources())).toEqual(['ann-1', 'bob-1', 'cyd-1'])
})

verifies(bulkData(63), async () => {
  const client = await provider.addClient()
  const headers = bearer(await provider.token(client, 'system/Patient.rs system/Practitioner.rs'))

  const exported = await provider.exported('/$export', { headers })

  const types = exported.manifest.output.map(({ type }) => type).sort()
  expect(types).toEqual(['Patient', 'Practitioner'])
})

verifies(smart(243), async () => {
  const client = await provider.addClient()
  const headers = bearer(await provider.token(client, 'system/Patient.rs'))

  const answer = await provider.ask('/$export?_type=Observation', {
    headers: { ...ASYNC, ...headers },
  })

  expect(answer.status).toBe(403)
})

verifies(smart(265), async () => {
  const client = await provider.addClient()
  const token = await provider.token(client)
  const ask = async (): Promise<number> => {
    return (await provider.ask('/Patient/ann', { headers: bearer(token) })).status
  }
  expect(await ask()).toBe(200)
  expect((await provider.ask('/Patient/ann', { headers: bearer('made-up') })).status).toBe(401)

  provider.shiftClock(3_600_000)
  const expired = await ask()
  provider.shiftClock(-3_600_000)

  expect(expired).toBe(401)
})

verifies([stu4('group-access'), stu4('group-read-scope'), stu4('group-scopes')], async () => {
  const outsider = await provider.addClient({ groups: ['none'] })
  const all = bearer(await provider.token(outsider))
  const other = await provider.ask('/Group/two/$export', { headers: { ...ASYNC, ...all } })
  const insider = await provider.addClient({ groups: ['two'] })
  const noGroup = bearer(await provider.token(insider, 'system/Patient.rs'))
  const unread = await provider.ask('/Group/two/$export', { headers: { ...ASYNC, ...noGroup } })
  const readOnly = bearer(await provider.token(insider, 'system/Group.rs'))
  const removed = await provider.ask('/Group/two', { method: 'DELETE', headers: readOnly })

  expect([other.status, unread.status, removed.status]).toEqual([404, 403, 403])
})
