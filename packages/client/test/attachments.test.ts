import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { MisbehavingProvider } from '@flatfhir/testkit'
import { exportFrom, filesIn, sha256, startProvider, temporaryDirectory } from './fixtures.ts'

const PDF = 'not really a PDF, but é'
const NOTE = 'a note'

function documentLine(...attachments: readonly Readonly<Record<string, unknown>>[]): string {
  const content = attachments.map((attachment) => ({ attachment }))
  return `${JSON.stringify({ resourceType: 'DocumentReference', id: '1', content })}\n`.replace(
    '"id"',
    '"size":1.50,"id"',
  )
}

async function start(
  more: readonly Readonly<Record<string, unknown>>[] = [],
): Promise<{ provider: MisbehavingProvider; stranger: MisbehavingProvider }> {
  const stranger = await startProvider({
    content: { '/x': { status: 200, headers: { 'content-type': 'text/plain' }, body: NOTE } },
  })
  const attachments = [
    { contentType: 'application/pdf', url: 'Binary/1' },
    { contentType: 'text/plain', url: `${stranger.origin}/x?signature=secret` },
    ...more,
  ]
  const provider = await startProvider({
    token: 'top',
    files: [{ type: 'DocumentReference', content: documentLine(...attachments) }],
    content: {
      '/fhir/Binary/1': {
        status: 200,
        headers: { 'content-type': 'application/fhir+json' },
        body: JSON.stringify({
          resourceType: 'Binary',
          contentType: 'application/pdf',
          data: Buffer.from(PDF).toString('base64'),
        }),
      },
      '/fhir/Binary/big': { status: 200, body: 'x'.repeat(2000) },
    },
  })
  return { provider, stranger }
}

test('attachments are fetched, relative and absolute, and the token stays with the provider', async () => {
  const { provider, stranger } = await start([
    { contentType: 'image/png', url: 'Binary/never' },
    { contentType: 'text/plain', url: 'Binary/big' },
    { contentType: 'text/plain', url: 'Binary/gone' },
    { contentType: 'text/plain', url: 'file:///etc/passwd' },
  ])
  const directory = await temporaryDirectory()
  const options = {
    directory,
    attachments: { mode: 'files', maxBytes: 1000, mediaTypes: ['text/*', 'application/pdf'] },
    accessToken: async () => 'top',
  } as const

  const { report } = await exportFrom(provider, options)
  const asked = provider.requests.length
  const again = await exportFrom(provider, options)

  const expected = { mode: 'files', fetched: 2, skipped: 2, failed: 2 }
  expect(report.receipt.attachments).toMatchObject(expected)
  expect(again.report.receipt.attachments).toMatchObject(expected)
  expect(provider.requests).toHaveLength(asked)
  expect(report.problems).toMatchObject([{ code: 'ATTACHMENT_FAILED', severity: 'warning' }])
  expect(await readFile(join(directory, 'attachments', `${sha256(PDF)}.pdf`), 'utf8')).toBe(PDF)
  expect(provider.requests.some(({ path }) => path.includes('never'))).toBe(false)
  expect(stranger.requests).toHaveLength(1)
  expect(stranger.requests.every(({ headers }) => headers['authorization'] === undefined)).toBe(
    true,
  )
  const binary = provider.requests.find(({ path }) => path === '/fhir/Binary/1')
  expect(binary?.headers['authorization']).toBe('Bearer top')
  expect(await readFile(join(directory, 'attachments', 'index.ndjson'), 'utf8')).not.toMatch(
    /secret/,
  )
})

test('inline puts the content into a copy and changes nothing else', async () => {
  const { provider } = await start()
  const directory = await temporaryDirectory()

  await exportFrom(provider, {
    directory,
    attachments: { mode: 'inline' },
    accessToken: async () => 'top',
  })

  const name = 'DocumentReference.000.ndjson'
  const original = await readFile(join(directory, name), 'utf8')
  const copy = await readFile(join(directory, 'attachments', 'inlined', name), 'utf8')
  const data = `"data":"${Buffer.from(PDF).toString('base64')}",`
  expect(copy).toContain(`${data}"url":"Binary/1"`)
  expect(copy.replaceAll(/"data":"[^"]*",/g, '')).toBe(original)
  expect(await filesIn(directory)).toContain(name)
})
