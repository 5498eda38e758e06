import type { AuditLog, AuditRecord } from '@flatfhir/server'
import { describe, expect, test } from 'vitest'
import { eventually, resource } from '../http/test-provider.ts'
import { exportAndWait, startSecureProvider, tokenForm } from './secure-provider.ts'

/** Keeps records in memory, and refuses those that it is told to. */
class MemoryAuditLog implements AuditLog {
  readonly records: AuditRecord[] = []
  refused: AuditRecord['name'] | undefined

  async record(record: AuditRecord): Promise<void> {
    if (record.name === this.refused) throw new Error('The disk is full')
    this.records.push(record)
  }

  named(name: AuditRecord['name']): AuditRecord[] {
    return this.records.filter((record) => record.name === name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.records.length = 0
  }
}

describe('the audit log', () => {
  test('has who got what, and who was refused', async () => {
    await using auditLog = new MemoryAuditLog()
    await using secure = await startSecureProvider({ provider: { auditLog } })
    const body = resource('Patient', { id: 'p' })
    await secure.provider.resources.write([{ kind: 'update', type: 'Patient', id: 'p', body }])
    const client = await secure.addClient({ groups: ['g'] })
    const other = await secure.login(await secure.addClient({ groups: [] }))
    const headers = await secure.login(client, 'system/Patient.rs')
    const { clientId } = client
    const who = { clientId, address: '127.0.0.1' }

    const since = '2020-01-01T00:00:00Z'
    const path = `/Patient/$export?_since=${since}`
    const { jobId, statusPath, files } = await exportAndWait(secure, path, headers)
    const file = files.find(({ kind }) => kind === 'output')?.path ?? ''
    const fileId = file.split('/').at(-1)
    await secure.provider.request(file, { headers })
    await secure.provider.request(file, { headers: { ...headers, range: 'bytes=2-5' } })
    await secure.provider.request(file, { headers: other })
    await secure.provider.request('/Observation/o', { headers })
    await secure.provider.request('/Group/x/$export', {
      headers: { prefer: 'respond-async', ...other },
    })
    await secure.provider.request('/Patient/p', { headers: { authorization: 'Bearer made-up' } })
    await secure.provider.request(file, { headers: { authorization: 'Bearer made-up' } })
    await secure.requestToken(tokenForm(await secure.assertion(client, 'https://x/'), 'system/*.r'))
    await secure.provider.request(statusPath, { method: 'DELETE', headers })

    await eventually(() => (auditLog.named('access-refused').length >= 5 ? true : undefined))
    expect(auditLog.named('server-started')).toMatchObject([{ accessMode: 'smart' }])
    expect(auditLog.named('token-issued')).toContainEqual({
      name: 'token-issued',
      ...who,
      scope: 'system/Patient.rs',
      expiresInSeconds: 300,
    })
    expect(auditLog.named('token-refused')).toMatchObject([{ reason: 'wrong-audience' }])
    expect(auditLog.named('kick-off')).toMatchObject([
      { ...who, jobId, level: 'patient', types: ['Patient'], since: new Date(since) },
    ])
    const served = await eventually(() => {
      const records = auditLog.named('file-served')
      return records.length === 2 ? records : undefined
    })
    expect(served).toMatchObject([
      { ...who, jobId, fileId, type: 'Patient', resourceCount: 1, complete: true },
      { ...who, jobId, fileId, range: { start: 2, end: 5 }, bytes: 4, complete: true },
    ])
    const refusals = auditLog.named('access-refused')
    expect(refusals).toContainEqual(expect.objectContaining({ reason: 'not-owner', jobId, fileId }))
    expect(refusals).toContainEqual(
      expect.objectContaining({ ...who, attempted: 'resource', reason: 'insufficient-scope' }),
    )
    expect(refusals).toContainEqual(
      expect.objectContaining({ attempted: 'kick-off', reason: 'group-not-allowed' }),
    )
    for (const attempted of ['resource', 'file']) {
      const refusal = { attempted, reason: 'unknown-token', clientId: undefined }
      expect(refusals).toContainEqual(expect.objectContaining(refusal))
    }
    expect(auditLog.named('job-deleted')).toEqual([
      { name: 'job-deleted', ...who, jobId, cause: 'requested' },
    ])
    expect(JSON.stringify(auditLog.records)).not.toMatch(/made-up|Bearer/)
  })

  test('that cannot be written lets no token and no export out', async () => {
    await using auditLog = new MemoryAuditLog()
    await using secure = await startSecureProvider({ provider: { auditLog } })
    const client = await secure.addClient()
    const headers = await secure.login(client)

    auditLog.refused = 'kick-off'
    const kickOff = await secure.provider.request('/$export', {
      headers: { prefer: 'respond-async', ...headers },
    })
    auditLog.refused = 'token-issued'
    const form = tokenForm(await secure.assertion(client), 'system/*.rs')
    const token = await secure.requestToken(form)

    expect(kickOff.status).toBe(500)
    expect(kickOff.headers['content-location']).toBeUndefined()
    expect(await secure.provider.jobs.countUnfinished(client.clientId)).toBe(0)
    expect(token.status).toBe(500)
    expect(token.body.toString()).not.toContain('access_token')
  })

  test('takes only so many bad tokens of one address', async () => {
    await using auditLog = new MemoryAuditLog()
    await using secure = await startSecureProvider({ provider: { auditLog } })
    const headers = { authorization: 'Bearer made-up' }

    for (let requests = 0; requests < 70; requests += 1) {
      const { status } = await secure.provider.request('/Patient', { headers })
      expect(status).toBe(401)
    }

    const { length } = auditLog.named('access-refused')
    expect(length).toBeGreaterThanOrEqual(60)
    expect(length).toBeLessThan(70)
  })
})
