import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventsOf, exportFrom, filesIn, ndjson, startProvider } from './fixtures.ts'

const CONTENT = ndjson('Observation', 3000)
const NAME = 'Observation.000.ndjson'
const CODINGS = ['identity', 'gzip'] as const

/** Byte in the middle of the first character that has several of them. */
const INSIDE_CHARACTER = Buffer.from(CONTENT).indexOf(0xc3) + 1

function encodedLength(coding: 'identity' | 'gzip'): number {
  return coding === 'gzip' ? gzipSync(CONTENT).length : Buffer.byteLength(CONTENT)
}

const CUTS = [
  { place: 'at 0 %', at: () => 0 },
  { place: 'inside a character', at: () => INSIDE_CHARACTER },
  { place: 'at 50 %', at: (length: number) => Math.floor(length / 2) },
  { place: 'at 99 %', at: (length: number) => Math.floor(length * 0.99) },
]
const FRAMINGS = ['length', 'chunked', 'close'] as const
const MATRIX = CUTS.flatMap(({ place, at }) =>
  CODINGS.flatMap((coding) =>
    FRAMINGS.flatMap((framing) =>
      [true, false].map((etag) => ({
        place,
        cutAfterBytes: at(encodedLength(coding)),
        coding,
        framing,
        etag,
      })),
    ),
  ),
)

describe('a body that is cut', () => {
  test.each(MATRIX)(
    '$place ($coding, $framing, etag $etag) is completed to the same bytes',
    async ({ cutAfterBytes, coding, framing, etag }) => {
      const always = { coding, framing, ...(etag ? {} : { etag: null }) }
      const file = { type: 'Observation', content: CONTENT, always, requests: [{ cutAfterBytes }] }
      const provider = await startProvider({ files: [file] })

      const { report, directory } = await exportFrom(provider)

      expect(report).toMatchObject({ verdict: 'complete', problems: [] })
      expect(await readFile(join(directory, NAME), 'utf8')).toBe(CONTENT)
      expect(provider.requestsForFile(0)).toHaveLength(2)
    },
  )

  test.each(CODINGS)(
    'goes on where it stopped when there is a strong ETag (%s)',
    async (coding) => {
      const cutAfterBytes = Math.floor(encodedLength(coding) / 2)
      const file = {
        type: 'Observation',
        content: CONTENT,
        always: { coding },
        requests: [{ cutAfterBytes }],
      }
      const provider = await startProvider({ files: [file] })

      const { report, events } = await exportFrom(provider)

      const [, second] = provider.requestsForFile(0)
      expect(second?.headers['range']).toBe(`bytes=${cutAfterBytes}-`)
      expect(second?.headers['if-range']).toMatch(/^"[0-9a-f]+"$/)
      expect(report.files[0]?.transferredBytes).toBe(encodedLength(coding))
      expect(eventsOf(events, 'download-started').map(({ offset }) => offset)).toEqual([
        0,
        cutAfterBytes,
      ])
    },
  )

  test.each(['W/"weak"', null])('starts over when the ETag is %s', async (etag) => {
    const file = {
      type: 'Observation',
      content: CONTENT,
      always: { etag },
      requests: [{ cutAfterBytes: 5000 }],
    }
    const provider = await startProvider({ files: [file] })

    const { report } = await exportFrom(provider)

    expect(report.verdict).toBe('complete')
    expect(provider.requestsForFile(0)[1]?.headers).not.toHaveProperty('range')
  })

  test.each([
    ['the provider ignores Range', { ignoreRange: true }],
    [
      'the file changed meanwhile',
      {
        etag: '"another"',
        content: ndjson('Observation', 2999) + '{"resourceType":"Observation"}\n',
      },
    ],
    ['the range is not the one asked for', { wrongRangeStart: 17 }],
    ['the range cannot be had', { answer: { status: 416 } }],
  ])('is fetched from the first byte when %s', async (_, second) => {
    const file = {
      type: 'Observation',
      content: CONTENT,
      always: { coding: 'identity' as const },
      requests: [{ cutAfterBytes: 100_000 }, second],
    }
    const provider = await startProvider({ files: [file] })

    const { report, directory } = await exportFrom(provider)

    const expected = 'content' in second ? second.content : CONTENT
    expect(report.verdict).toBe('complete')
    expect(await readFile(join(directory, NAME), 'utf8')).toBe(expected)
  })

  test('again and again, anywhere, is completed to the same bytes', async () => {
    const cuts = fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(
        cuts,
        fc.constantFrom(...CODINGS),
        fc.constantFrom(...FRAMINGS),
        async (at, coding, framing) => {
          const requests = at.map((cutAfterBytes) => ({ cutAfterBytes }))
          const file = {
            type: 'Observation',
            content: CONTENT,
            always: { coding, framing },
            requests,
          }
          const provider = await startProvider({ files: [file] })

          const { report, directory } = await exportFrom(provider)

          expect(report.verdict).toBe('complete')
          expect(await readFile(join(directory, NAME), 'utf8')).toBe(CONTENT)
        },
      ),
      { numRuns: 12 },
    )
  })

  test('every time leaves nothing that looks like a file, and says what is missing', async () => {
    const file = {
      type: 'Observation',
      content: CONTENT,
      always: { cutAfterBytes: 500, etag: null },
    }
    const provider = await startProvider({
      files: [file, { type: 'Patient', content: ndjson('Patient', 5) }],
    })

    const { report, directory, clock } = await exportFrom(provider, { maxAttempts: 3 })

    expect(report.verdict).toBe('incomplete')
    expect(report.files[0]).toMatchObject({ state: 'missing', attempts: 3 })
    expect(report.problems).toMatchObject([{ code: 'DOWNLOAD_CUT', file: NAME }])
    expect(await filesIn(directory)).toEqual(['Patient.000.ndjson'])
    expect(clock.waits).toEqual([750, 1500])
    expect(provider.requests.some(({ method }) => method === 'DELETE')).toBe(false)
  })

  test('by closing, without a length or an ETag, is noticed by the count', async () => {
    const atLineEnd = Buffer.from(CONTENT).indexOf('\n', 50_000) + 1
    const always = {
      coding: 'identity',
      framing: 'close',
      etag: null,
      cutAfterBytes: atLineEnd,
    } as const
    const provider = await startProvider({
      files: [{ type: 'Observation', content: CONTENT, always }],
    })

    const { report, directory } = await exportFrom(provider)

    expect(report.verdict).toBe('failed')
    expect(report.problems).toMatchObject([{ code: 'COUNT_MISMATCH' }])
    expect(await filesIn(directory)).toEqual([`${NAME}.rejected`])
  })
})

describe('a connection that goes silent', () => {
  test.each([0, 1000])(
    'after %i bytes is given up, and the download goes on',
    async (cutAfterBytes) => {
      const requests = [{ cutAfterBytes, afterCut: 'hang' as const }]
      const provider = await startProvider({
        files: [{ type: 'Observation', content: CONTENT, requests }],
      })

      const { report, events } = await exportFrom(provider, { idleTimeoutMs: 300 })

      expect(report.verdict).toBe('complete')
      expect(eventsOf(events, 'retry')).toMatchObject([
        { phase: 'download', reason: 'idle-timeout' },
      ])
    },
  )

  test('without any answer is given up, and asked again', async () => {
    const requests = [{ answer: { status: 200, instead: 'hang' as const } }]
    const provider = await startProvider({
      files: [{ type: 'Observation', content: CONTENT, requests }],
    })

    const { report } = await exportFrom(provider, { idleTimeoutMs: 300 })

    expect(report.verdict).toBe('complete')
  })
})

describe('a link that does not work', () => {
  const good = { type: 'Patient', content: ndjson('Patient', 5) }

  test.each([403, 404, 410])('(%i once) is looked up in the manifest again', async (status) => {
    const file = { ...good, requests: [{ answer: { status } }] }
    const provider = await startProvider({ files: [file, good] })

    const { report } = await exportFrom(provider)

    expect(report.verdict).toBe('complete')
    expect(provider.requests.filter(({ path }) => path === '/status/1')).toHaveLength(3)
  })

  test('is replaced by the one of the fresh manifest', async () => {
    let manifests = 0
    const provider = await startProvider({
      files: [good],
      manifest: (manifest) => {
        manifests += 1
        const broken = [{ type: 'Patient', url: '/files/99', count: 5 }]
        return manifests === 1 ? { ...manifest, output: broken } : manifest
      },
    })

    const { report } = await exportFrom(provider)

    expect(report.verdict).toBe('complete')
    expect(report.files[0]?.url).toBe(`${provider.origin}/files/0`)
  })

  test('for good fails its file alone', async () => {
    const lost = { ...good, always: { answer: { status: 404 } } }
    const provider = await startProvider({ files: [lost, good, lost, good] })

    const { report } = await exportFrom(provider)

    expect(report.verdict).toBe('incomplete')
    expect(report.files.map(({ state }) => state)).toEqual([
      'missing',
      'complete',
      'missing',
      'complete',
    ])
    expect(report.problems[0]?.message).toContain('HTTP 404')
  })

  test.each([400, 401])('(%i) is not tried again', async (status) => {
    const provider = await startProvider({ files: [{ ...good, always: { answer: { status } } }] })

    const { report } = await exportFrom(provider)

    expect(report.verdict).toBe('failed')
    expect(provider.requestsForFile(0)).toHaveLength(1)
  })

  test('(500 twice) is tried again', async () => {
    const requests = [{ answer: { status: 500 } }, { answer: { status: 502 } }]
    const provider = await startProvider({ files: [{ ...good, requests }] })

    const { report } = await exportFrom(provider)

    expect(report.verdict).toBe('complete')
  })
})
