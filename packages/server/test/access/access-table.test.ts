import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { send, type Received, type Sent } from '../http/send.ts'
import { FHIR, resource } from '../http/test-provider.ts'
import {
  ACCESS_TABLE,
  accessTableMarkdown,
  SENDERS,
  type AccessRow,
  type Sender,
  type World,
} from './access-table.ts'
import {
  exportAndWait,
  startSecureProvider,
  type Authorization,
  type SecureProvider,
} from './secure-provider.ts'

let secure: SecureProvider
let world: World
let ownerOf: (scope: string) => Promise<Authorization>
let tokens: Readonly<Record<'right' | 'other client' | 'expired token', Authorization>>

beforeAll(async () => {
  secure = await startSecureProvider({ provider: { maxBodyBytes: 1_000_000 } })
  const owner = await secure.addClient({ groups: ['own'] })
  const other = await secure.addClient({ groups: ['theirs'] })
  ownerOf = (scope) => secure.login(owner, scope)

  secure.shiftClock(-3_600_000)
  const expired = await secure.login(owner)
  secure.shiftClock(3_600_000)
  tokens = {
    right: await ownerOf('system/*.cruds'),
    'other client': await secure.login(other),
    'expired token': expired,
  }
  await seed()
  world = {
    job: await exportEverything(),
    doomed: await exportEverything(),
  }
})

afterAll(async () => {
  await secure[Symbol.asyncDispose]()
})

async function seed(): Promise<void> {
  const member = [{ entity: { reference: 'Patient/p' } }]
  const patient = { reference: 'Patient/p' }
  const resources = [
    ['Patient', 'p', {}],
    ['Observation', 'o', { subject: patient }],
    ['Observation', 'gone', { subject: patient }],
    ['Group', 'own', { type: 'person', actual: true, member }],
    ['Group', 'theirs', { type: 'person', actual: true, member }],
  ] as const
  for (const [type, id, content] of resources) {
    const body = resource(type, { id, ...content })
    await secure.provider.resources.write([{ kind: 'update', type, id, body }])
  }
  await secure.provider.resources.write([{ kind: 'delete', type: 'Observation', id: 'gone' }])
}

/** With a deletion, and with an outcome that says what was ignored. */
function exportEverything(): ReturnType<typeof exportAndWait> {
  const query = '_type=Patient,Observation&_since=2020-01-01T00:00:00Z&madeUp=1'
  return exportAndWait(secure, `/$export?${query}`, tokens.right)
}

async function tokenOf(sender: Sender, row: AccessRow): Promise<Record<string, string>> {
  switch (sender) {
    case 'no token':
      return {}
    case 'too few scopes':
      return await ownerOf(row.tooFew)
    default:
      return tokens[sender]
  }
}

function request(row: AccessRow, headers: Record<string, string>): Promise<Received> {
  const sent = row.request(world)
  const path = row.isOutsideBase === true ? sent.path : `/fhir${sent.path}`
  return send(secure.provider.port, { ...sent, path, headers: { ...sent.headers, ...headers } })
}

function expectRefusal(answer: Received, sender: Sender, sent: Sent): void {
  if (sent.method !== 'HEAD') expect(answer.json()['resourceType']).toBe('OperationOutcome')
  const challenge = answer.headers['www-authenticate']
  switch (answer.status) {
    case 401:
      expect(challenge).toMatch(/^Bearer/)
      expect(challenge?.includes('error="invalid_token"')).toBe(sender === 'expired token')
      break
    case 403:
      expect(challenge).toContain('error="insufficient_scope"')
      break
    default:
      expect(challenge).toBeUndefined()
  }
}

// Every sender of a row in turn, the right one last: it may change what the row is about.
const CELLS = ACCESS_TABLE.flatMap((row) =>
  SENDERS.map((sender, column) => ({ row, sender, status: row.statuses[column] ?? 0 })),
)

function nameOf({ row, sender, status }: (typeof CELLS)[number]): string {
  return `${row.endpoint} with ${sender} is a ${status}`
}

describe('the access table', () => {
  test.each(CELLS.map((cell) => [nameOf(cell), cell] as const))(
    '%s',
    async (_name, { row, sender, status }) => {
      const answer = await request(row, await tokenOf(sender, row))

      expect(answer.status).toBe(status)
      if (status >= 400) expectRefusal(answer, sender, row.request(world))
    },
  )

  test('is the one in the documentation', async () => {
    const text = await readFile(new URL('../../../../docs/access.md', import.meta.url), 'utf8')
    const cellsOf = (table: string): string[][] =>
      table
        .split('\n')
        .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
        .map((line) => line.split('|').map((cell) => cell.trim()))

    const begin = text.indexOf('| endpoint')
    const end = text.indexOf('\n\n', begin)
    expect(cellsOf(text.slice(begin, end))).toEqual(cellsOf(accessTableMarkdown()))
  })
})

describe('what belongs to another client is answered like what does not exist', () => {
  const unknownId = '0'.repeat(32)

  test.each([
    ['a status URL', 'GET', ({ job }: World) => job.statusPath],
    ['a deletion', 'DELETE', ({ job }: World) => job.statusPath],
    ['an output file', 'GET', ({ job }: World) => job.files[0]?.path ?? ''],
  ])('%s', async (_name, method, pathOf) => {
    const headers = tokens['other client']
    const path = pathOf(world)

    const foreign = await secure.provider.request(path, { method, headers })
    const unknown = await secure.provider.request(path.replace(/[0-9a-f]{32}/g, unknownId), {
      method,
      headers,
    })

    expect([foreign.status, unknown.status]).toEqual([404, 404])
    expect(foreign.body.equals(unknown.body)).toBe(true)
    const comparable = ({ date, ...rest }: Received['headers']): object => ({
      ...rest,
      date: !!date,
    })
    expect(comparable(foreign.headers)).toEqual(comparable(unknown.headers))
  })

  test.each([
    ['GET', ''],
    ['PUT', ''],
    ['DELETE', ''],
    ['GET', '/$export'],
  ])('a Group, at %s Group/id%s', async (method, rest) => {
    const ask = (id: string): Promise<Received> => {
      const body = method === 'PUT' ? resource('Group', { id, type: 'person' }) : undefined
      const headers = { ...tokens.right, ...FHIR, prefer: 'respond-async' }
      return secure.provider.request(`/Group/${id}${rest}`, { method, headers, body })
    }

    const foreign = await ask('theirs')
    const unknown = await ask('never')

    expect([foreign.status, unknown.status]).toEqual([404, 404])
    expect(foreign.body.equals(unknown.body)).toBe(true)
    expect((await secure.provider.resources.read('Group', 'theirs')).state).toBe('found')
  })
})
