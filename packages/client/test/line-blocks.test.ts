import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkLines } from '../src/verification/line-check.ts'
import { LineBlocks, type LineBlock } from '../src/verification/line-blocks.ts'
import { BLOCK_BYTES, LineCheckPool } from '../src/verification/line-check-pool.ts'

const RULES = {
  kind: 'output',
  type: 'Patient',
  maxLineBytes: 1000,
  organized: false,
  references: undefined,
} as const

describe('LineBlocks', () => {
  test('keeps every byte and cuts at line feeds only, however the bytes arrive', async () => {
    const lines = fc.array(fc.oneof(fc.nat({ max: 2000 }), fc.nat({ max: 3_000_000 })), {
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(
        lines,
        fc.integer({ min: 1000, max: 700_000 }),
        fc.integer({ min: 1, max: 2_500_000 }),
        async (lengths, chunkBytes, maxLineBytes) => {
          const text = lengths
            .map((length, index) => String.fromCharCode(97 + index).repeat(length))
            .join('\n')
          const input = Buffer.from(text)

          const blocks = await blocksOf(input, chunkBytes, maxLineBytes)

          const output = Buffer.concat(blocks.map(({ block, length }) => block.subarray(0, length)))
          expect(output.equals(input)).toBe(true)
          for (const { block, length, content } of blocks.slice(0, -1)) {
            if (content === 'lines') expect(block[length - 1]).toBe(0x0a)
          }
          const tooLong = lengths.filter((length) => length > Math.max(maxLineBytes, BLOCK_BYTES))
          expect(blocks.filter(({ content }) => content === 'too-long').length).toBe(tooLong.length)
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('checkLines', () => {
  test.each([
    ['{"resourceType":"Patient"}', undefined],
    ['  {"resourceType":"Patient"} \r', undefined],
    ['{"resourceType":"Patient","name":"Zoë 😀"}', undefined],
    ['{"resourceType":"Group"}', 'wrong-type'],
    ['{}', 'wrong-type'],
    ['[]', 'not-an-object'],
    ['1', 'not-an-object'],
    ['null', 'not-an-object'],
    ['{"resourceType":"Patient"', 'not-json'],
    ['{"resourceType":"Patient"}{"resourceType":"Patient"}', 'not-json'],
    ['\ufeff{"resourceType":"Patient"}', 'not-json'],
    [`{"resourceType":"Patient","x":"${'y'.repeat(1000)}"}`, 'too-long'],
  ])('judges %j as %s', (line, fault) => {
    const good = '{"resourceType":"Patient","n":"é"}\n'

    const report = checkLines(Buffer.from(`${good}${line}\n${good}`), RULES)

    expect(report.lines).toBe(3)
    expect(report.faults).toEqual(fault === undefined ? [] : [{ line: 2, fault }])
  })

  test('finds the one line that is not UTF-8', () => {
    const good = Buffer.from('{"resourceType":"Patient","n":"é"}\n')
    const bad = Buffer.from('{"resourceType":"Patient","n":"\xff"}\n', 'latin1')

    const report = checkLines(Buffer.concat([good, bad, good]), RULES)

    expect(report.faults).toEqual([{ line: 2, fault: 'not-utf8' }])
  })
})

async function blocksOf(
  input: Buffer,
  chunkBytes: number,
  maxLineBytes: number,
): Promise<readonly LineBlock[]> {
  await using pool = new LineCheckPool(1)
  const emitted: LineBlock[] = []
  const blocks = new LineBlocks({
    pool,
    maxLineBytes,
    emit: async (block) => {
      emitted.push(block)
    },
  })
  for (let start = 0; start < input.length; start += chunkBytes) {
    await blocks.push(input.subarray(start, start + chunkBytes))
  }
  await blocks.end()
  return emitted
}
