import { afterAll, beforeAll, expect, test } from 'vitest'
import { send } from './send.ts'
import { FHIR, startTestProvider, type TestProvider } from './test-provider.ts'
import { exportAll, fill, type Json } from './parameters-provider.ts'

const NOTE = Buffer.from('hello').toString('base64')
let provider: TestProvider

beforeAll(async () => {
  provider = await startTestProvider()
  await fill(provider, [
    { resourceType: 'Patient', id: 'ann' },
    { resourceType: 'Condition', id: 'asthma', subject: { reference: 'Patient/ann' } },
    binary('note', { reference: 'Patient/ann' }),
    binary('finding', { reference: 'Condition/asthma' }),
    binary('logo'),
    binary('staff', { reference: 'Practitioner/doc' }),
    {
      resourceType: 'DocumentReference',
      id: 'doc',
      status: 'current',
      subject: { reference: 'Patient/ann' },
      content: [
        { attachment: { contentType: 'text/plain', url: 'Binary/note' } },
        { attachment: { contentType: 'text/plain', url: 'https://files.example.org/Binary/1' } },
      ],
      context: { related: [{ reference: 'Binary/note' }] },
    },
  ])
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

function binary(id: string, securityContext?: Json): Json {
  const owner = securityContext === undefined ? {} : { securityContext }
  return { resourceType: 'Binary', id, contentType: 'text/plain', ...owner, data: NOTE }
}

test('URLs of attachments are absolute and lead to the content; references stay', async () => {
  const { lines } = await exportAll(provider, { path: '/Patient/$export?_type=DocumentReference' })

  const [document] = lines as readonly {
    readonly content: readonly { readonly attachment: { readonly url: string } }[]
    readonly context: unknown
  }[]
  const [own, other] = document?.content ?? []
  expect(own?.attachment.url).toBe(`${provider.url}/Binary/note`)
  expect(other?.attachment.url).toBe('https://files.example.org/Binary/1')
  expect(document?.context).toEqual({ related: [{ reference: 'Binary/note' }] })
  for (const accept of ['text/plain', '*/*']) {
    const { pathname } = new URL(own?.attachment.url ?? '')
    const content = await send(provider.port, { path: pathname, headers: { accept } })
    expect([content.status, content.body.toString()]).toEqual([200, 'hello'])
    expect(content.headers['content-type']).toBe('text/plain')
  }
})

test('content that was stored cannot act in a browser', async () => {
  const evil = { resourceType: 'Binary', id: 'evil', contentType: 'text/html', data: NOTE }
  await fill(provider, [evil, { ...evil, id: 'split', contentType: 'text/x\r\nset-cookie: a=b' }])

  const page = await provider.request('/Binary/evil', { headers: { accept: 'text/html' } })
  const split = await provider.request('/Binary/split')

  expect(page.headers['content-security-policy']).toContain('sandbox')
  expect(page.headers['content-disposition']).toBe('attachment')
  expect(page.headers['x-content-type-options']).toBe('nosniff')
  expect(split.headers['content-type']).toBe('application/octet-stream')
  expect(split.headers['set-cookie']).toBeUndefined()
})

test('a Binary is a resource to those who ask for FHIR JSON, and can be written and deleted', async () => {
  const body = JSON.stringify(binary('temporary'))
  const put = await provider.request('/Binary/temporary', { method: 'PUT', headers: FHIR, body })
  const read = await provider.request('/Binary/temporary', {
    headers: { accept: 'application/fhir+json' },
  })
  const etag = read.headers.etag ?? ''
  const unchanged = await provider.request('/Binary/temporary', {
    headers: { 'if-none-match': etag },
  })
  const removed = await provider.request('/Binary/temporary', { method: 'DELETE' })
  const gone = await provider.request('/Binary/temporary')
  const unknown = await provider.request('/Binary/unknown')
  const patch = await provider.request('/Binary/temporary', { method: 'PATCH' })

  expect([put.status, read.status, unchanged.status]).toEqual([201, 200, 304])
  expect(read.json()).toMatchObject({ resourceType: 'Binary', data: NOTE })
  expect([removed.status, gone.status, unknown.status]).toEqual([204, 410, 404])
  expect(patch.status).toBe(405)
})

test('a Binary of a patient is exported as a DocumentReference, and only that', async () => {
  const first = await exportAll(provider, { path: '/$export?_type=Binary,DocumentReference' })
  const again = await exportAll(provider, { path: '/$export?_type=Binary,DocumentReference' })

  const binaries = first.names.filter((name) => name.startsWith('Binary/'))
  expect(binaries).toEqual(['Binary/evil', 'Binary/logo', 'Binary/split', 'Binary/staff'])
  const made = first.lines.filter(
    ({ resourceType, id }) => resourceType === 'DocumentReference' && id !== 'doc',
  )
  expect(made).toHaveLength(2)
  for (const document of made) {
    expect(document).toMatchObject({
      status: 'current',
      subject: { reference: 'Patient/ann' },
      content: [{ attachment: { contentType: 'text/plain', data: NOTE } }],
    })
    expect(String(document['id'])).toMatch(/^[0-9a-f]{40}$/)
  }
  expect(again.names).toEqual(first.names)
})

test('filters and elements of DocumentReference hold for Binaries that become one', async () => {
  const filter = encodeURIComponent('DocumentReference?subject=Patient/nobody')
  const path = `/$export?_type=Binary,DocumentReference&_typeFilter=${filter}`

  const { names } = await exportAll(provider, { path })
  const { lines } = await exportAll(provider, {
    path: '/$export?_type=Binary,DocumentReference&_elements=DocumentReference.subject',
  })

  expect(names.filter((name) => name.startsWith('DocumentReference/'))).toEqual([])
  const documents = lines.filter(({ resourceType }) => resourceType === 'DocumentReference')
  expect(documents).toHaveLength(3)
  for (const document of documents) {
    expect(document).toMatchObject({ meta: { tag: [{ code: 'SUBSETTED' }] } })
    expect(document['subject']).toBeDefined()
  }
})

test('where DocumentReference is not asked for, the Binaries of patients are reported', async () => {
  const { names, outcomes } = await exportAll(provider, { path: '/$export?_type=Binary' })

  expect(names).not.toContain('Binary/note')
  expect(outcomes).toEqual([expect.stringContaining('2 Binary resources of patients')])
})
