import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exportFrom, startProvider } from './fixtures.ts'

const GOOD = fc.integer({ min: 0, max: 999 }).map((id) => ({
  bad: false,
  line: `{"resourceType":"Patient","id":"${id}","name":"Zoë"}`,
}))
const BAD = fc
  .constantFrom('{"resourceType":"Patient"', 'nonsense', '[]', '{"resourceType":"Group"}', '{}')
  .map((line) => ({ bad: true, line }))

test.each([false, true])(
  'bad lines go to quarantine with their places, the others stay as they were (gzip %s)',
  async (gzip) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(GOOD, BAD), { minLength: 1, maxLength: 60 }),
        async (all) => {
          const content = all.map(({ line }) => `${line}\n`).join('')
          const provider = await startProvider({ files: [{ type: 'Patient', content }] })

          const { report, directory } = await exportFrom(provider, { gzip })

          const name = gzip ? 'Patient.000.ndjson.gz' : 'Patient.000.ndjson'
          const stored = await readFile(join(directory, name))
          const kept = (gzip ? gunzipSync(stored) : stored).toString('utf8')
          const text = (bad: boolean): string =>
            all.map((entry) => (entry.bad === bad ? `${entry.line}\n` : '')).join('')
          expect(kept).toBe(text(false))
          const badLines = all.filter(({ bad }) => bad).length
          expect(report.verdict).toBe(badLines === 0 ? 'complete' : 'incomplete')
          expect(report.receipt.totals.quarantinedLines).toBe(badLines)
          if (badLines === 0) return
          const quarantine = join(directory, 'quarantine', 'Patient.000')
          expect(await readFile(`${quarantine}.ndjson`, 'utf8')).toBe(text(true))
          expect(await placesIn(`${quarantine}.places.ndjson`)).toEqual(expectedPlaces(all))
        },
      ),
      { numRuns: 15 },
    )
  },
)

async function placesIn(path: string): Promise<readonly unknown[]> {
  const text = await readFile(path, 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { lineNumber, byteOffset, bytes } = JSON.parse(line) as Record<string, unknown>
      return { lineNumber, byteOffset, bytes }
    })
}

function expectedPlaces(all: readonly { bad: boolean; line: string }[]): readonly unknown[] {
  let byteOffset = 0
  return all.flatMap(({ bad, line }, index) => {
    const bytes = Buffer.byteLength(line) + 1
    const place = { lineNumber: index + 1, byteOffset, bytes }
    byteOffset += bytes
    return bad ? [place] : []
  })
}
