import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { exportFrom, filesIn, ndjson, sha256, startProvider } from './fixtures.ts'

const CONTENT = ndjson('Patient', 50)
const SHA256_URL = 'https://flatfhir.org/fhir/extension/sha256'
const SIZE_URL = 'https://flatfhir.org/fhir/extension/file-size'

describe('a file that is not what was promised', () => {
  test.each([
    ['COUNT_MISMATCH', { entry: { count: 51 } }],
    ['SIZE_MISMATCH', { entry: { extension: { [SIZE_URL]: 7 } } }],
    ['DIGEST_MISMATCH', { entry: { extension: { [SHA256_URL]: sha256('other') } } }],
    ['DIGEST_MISMATCH', { always: { headers: { 'repr-digest': digestHeader('other') } } }],
    ['LINE_INVALID', { content: CONTENT + '{"resourceType":"Patient","name":\n' }],
    ['LINE_INVALID', { content: CONTENT + '["resourceType"]\n' }],
    ['LINE_INVALID', { content: CONTENT + 'null\n' }],
    ['LINE_INVALID', { content: CONTENT + '{"resourceType":"Group"}\n' }],
    ['LINE_INVALID', { content: CONTENT + '{"id":"1"}\n' }],
    [
      'LINE_INVALID',
      { content: Buffer.concat([Buffer.from(CONTENT), Buffer.from([0x22, 0xff, 0x22])]) },
    ],
    ['LINE_INVALID', { content: CONTENT.replace('\n', '') }],
  ])('is fetched once more, then is not complete: %s %#', async (code, file) => {
    const provider = await startProvider({
      files: [{ type: 'Patient', content: CONTENT, ...file }],
    })

    const { report, directory } = await exportFrom(provider)

    const hasBadLinesOnly = report.problems.every((problem) => problem.code === 'LINE_INVALID')
    expect(report.verdict).toBe(hasBadLinesOnly ? 'incomplete' : 'failed')
    expect(report.problems.map((problem) => problem.code)).toContain(code)
    const state = hasBadLinesOnly ? 'partial' : 'rejected'
    expect(report.files[0]).toMatchObject({ state, attempts: 2 })
    expect(await filesIn(directory)).toEqual(
      hasBadLinesOnly
        ? [
            'Patient.000.ndjson',
            'quarantine/Patient.000.ndjson',
            'quarantine/Patient.000.places.ndjson',
          ]
        : ['Patient.000.ndjson.rejected'],
    )
  })

  test('the first time only, is complete in the end', async () => {
    const requests = [{ content: ndjson('Patient', 49) }]
    const provider = await startProvider({
      files: [{ type: 'Patient', content: CONTENT, requests }],
    })

    const { report, directory } = await exportFrom(provider)

    expect(report).toMatchObject({ verdict: 'complete', problems: [] })
    expect(await readFile(join(directory, 'Patient.000.ndjson'), 'utf8')).toBe(CONTENT)
  })

  test('but is what the provider has, is not fetched again', async () => {
    const content = `${CONTENT}nonsense\n`
    const entry = { extension: { [SHA256_URL]: sha256(content) } }
    const provider = await startProvider({ files: [{ type: 'Patient', content, entry }] })

    const { report } = await exportFrom(provider)

    expect(report.files[0]).toMatchObject({ state: 'partial', attempts: 1, quarantinedLines: 1 })
    expect(report.problems).toMatchObject([{ code: 'LINE_INVALID', lineNumber: 51 }])
  })

  test('is described without a word of its content', async () => {
    const content = '{"resourceType":"Patient","name":[{"family":"Muster"\n'
    const provider = await startProvider({ files: [{ type: 'Patient', content }] })

    const { report, events } = await exportFrom(provider)

    expect(report.verdict).toBe('incomplete')
    expect(JSON.stringify([report, events])).not.toContain('Muster')
  })

  test('tells the first bad lines and counts the others', async () => {
    const provider = await startProvider({
      files: [{ type: 'Patient', content: 'x\n'.repeat(1000) }],
    })

    const { report } = await exportFrom(provider)

    expect(report.problems).toHaveLength(21)
    expect(report.problems.at(-1)?.message).toBe('980 more lines cannot be used')
  })
})

describe('a file that is as promised', () => {
  test.each(['gzip', 'identity'] as const)(
    'in size, digest, count and Repr-Digest passes (%s)',
    async (coding) => {
      const sent = coding === 'gzip' ? gzipSync(CONTENT) : CONTENT
      const extension = { [SIZE_URL]: Buffer.byteLength(CONTENT), [SHA256_URL]: sha256(CONTENT) }
      const always = { coding, headers: { 'repr-digest': `sha-512=:AAAA:, ${digestHeader(sent)}` } }
      const provider = await startProvider({
        files: [{ type: 'Patient', content: CONTENT, entry: { extension }, always }],
      })

      const { report } = await exportFrom(provider)

      expect(report).toMatchObject({ verdict: 'complete', problems: [] })
      expect(report.files[0]?.expected).toEqual({
        count: 50,
        bytes: Buffer.byteLength(CONTENT),
        sha256: sha256(CONTENT),
      })
    },
  )

  test('but for blank lines is complete, with a warning', async () => {
    const content = CONTENT.replace('\n', '\n\n \r\n')
    const provider = await startProvider({ files: [{ type: 'Patient', content }] })

    const { report } = await exportFrom(provider)

    expect(report).toMatchObject({ verdict: 'complete', resources: 50 })
    expect(report.problems).toMatchObject([{ code: 'BLANK_LINES', severity: 'warning' }])
  })

  test('with lines far longer than a block passes', async () => {
    const long = `{"resourceType":"Patient","id":"l","data":"${'é'.repeat(1_700_000)}"}\n`
    const content = CONTENT + long + CONTENT + long
    const provider = await startProvider({ files: [{ type: 'Patient', content }] })

    const { report, directory } = await exportFrom(provider)

    expect(report).toMatchObject({ verdict: 'complete', resources: 102 })
    expect(sha256(await readFile(join(directory, 'Patient.000.ndjson')))).toBe(sha256(content))
  })

  test.each([1000, 2_000_000])(
    'but for a line longer than %i bytes is kept without it, and the line in quarantine',
    async (maxLineBytes) => {
      const long = `{"resourceType":"Patient","data":"${'x'.repeat(4_000_000)}"}\n`
      const content = CONTENT + long + CONTENT
      const provider = await startProvider({ files: [{ type: 'Patient', content }] })

      const { report, directory } = await exportFrom(provider, { maxLineBytes })

      expect(report.problems).toMatchObject([{ code: 'LINE_INVALID', lineNumber: 51 }])
      expect(report.files[0]?.received.count).toBe(100)
      const kept = await readFile(join(directory, 'Patient.000.ndjson'), 'utf8')
      expect(kept).toBe(CONTENT + CONTENT)
      const bad = await readFile(join(directory, 'quarantine', 'Patient.000.ndjson'), 'utf8')
      expect(bad).toBe(long)
    },
  )
})

describe('a compressed file', () => {
  test.each([
    ['damaged', { rawContent: damaged(gzipSync(CONTENT)) }],
    [
      'followed by something else',
      { rawContent: Buffer.concat([gzipSync(CONTENT), Buffer.from('tail tail')]) },
    ],
    ['not compressed at all', { rawContent: CONTENT }],
  ])('that is %s is given up', async (_, always) => {
    const provider = await startProvider({
      files: [{ type: 'Patient', content: CONTENT, always: { ...always, coding: 'gzip' } }],
    })

    const { report, directory } = await exportFrom(provider, { maxAttempts: 2 })

    expect(report.verdict).toBe('failed')
    expect(report.problems).toMatchObject([{ code: 'ENCODING_INVALID' }])
    expect(await filesIn(directory)).toEqual([])
  })

  test('of several parts is read to the end', async () => {
    const half = CONTENT.length / 2
    const rawContent = Buffer.concat([
      gzipSync(CONTENT.slice(0, half)),
      gzipSync(CONTENT.slice(half)),
    ])
    const provider = await startProvider({
      files: [{ type: 'Patient', content: CONTENT, always: { rawContent, coding: 'gzip' } }],
    })

    const { report } = await exportFrom(provider)

    expect(report).toMatchObject({ verdict: 'complete', resources: 50 })
  })

  test('that grows out of all proportion is stopped', async () => {
    const rawContent = gzipSync(Buffer.alloc(64 * 1024 * 1024, '\n'))
    const provider = await startProvider({
      files: [{ type: 'Patient', content: CONTENT, always: { rawContent, coding: 'gzip' } }],
    })

    const { report, directory } = await exportFrom(provider)

    expect(report.problems).toMatchObject([{ code: 'DECOMPRESSION_RATIO_EXCEEDED' }])
    expect(await filesIn(directory)).toEqual([])
  })

  test('in a coding that was not asked for is refused', async () => {
    const headers = { 'content-encoding': 'br' }
    const provider = await startProvider({
      files: [{ type: 'Patient', content: CONTENT, always: { coding: 'identity', headers } }],
    })

    const { report } = await exportFrom(provider)

    expect(report.problems).toMatchObject([{ code: 'ENCODING_INVALID' }])
  })
})

function digestHeader(content: string | Uint8Array): string {
  return `sha-256=:${Buffer.from(sha256(content), 'hex').toString('base64')}:`
}

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.fill(0xff, 40, 60)
  return copy
}
