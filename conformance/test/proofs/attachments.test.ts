import { bulkData } from '@flatfhir/conformance'
import { expect } from 'vitest'
import { idsOf, patient, startOpenProvider, startSmartProvider, type Json } from '../fixtures.ts'
import { verifies } from '../verifies.ts'

const POPULATION: readonly Json[] = [
  patient('ann', 'female'),
  {
    ...{ resourceType: 'Binary', id: 'note', contentType: 'text/plain', data: 'aGVsbG8=' },
    securityContext: { reference: 'Patient/ann' },
  },
  {
    ...{ resourceType: 'DocumentReference', id: 'doc', status: 'current' },
    subject: { reference: 'Patient/ann' },
    content: [{ attachment: { contentType: 'text/plain', url: 'Binary/note' } }],
  },
]

/** The URL of the only attachment among exported resources. */
function attachmentOf(resources: readonly Json[]): string {
  const [document] = resources as readonly {
    readonly content: readonly { readonly attachment: { readonly url: string } }[]
  }[]
  return document?.content[0]?.attachment.url ?? ''
}

verifies([bulkData(23), bulkData(213), bulkData(216)], async () => {
  await using provider = await startOpenProvider({ population: POPULATION })
  const { manifest, resources } = await provider.exported('/Patient/$export')

  const url = attachmentOf(await resources('DocumentReference'))

  expect(manifest.requiresAccessToken).toBe(false)
  expect(url).toMatch(/^http:\/\//)
  expect((await fetch(url)).status).toBe(200)
})

verifies([bulkData(214), bulkData(215)], async () => {
  await using provider = await startSmartProvider({ population: POPULATION })
  const { manifest, resources } = await provider.exported('/Patient/$export')

  const url = attachmentOf(await resources('DocumentReference'))

  expect(manifest.requiresAccessToken).toBe(true)
  expect((await fetch(url)).status).toBe(401)
  expect((await provider.ask(url)).status).toBe(200)
})

verifies(bulkData(39), async () => {
  await using provider = await startOpenProvider({ population: POPULATION })

  const { resources } = await provider.exported('/$export')

  expect(idsOf(await resources('Binary'))).toEqual([])
  expect(idsOf(await resources('DocumentReference'))).toContain('doc')
})
