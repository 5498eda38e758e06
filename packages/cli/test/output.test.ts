import { BulkDataError } from '@flatfhir/protocol'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../src/errors.ts'
import { formatError } from '../src/output/format-error.ts'
import {
  formatCount,
  formatMegabytes,
  formatQuantity,
  formatSeconds,
} from '../src/output/format-number.ts'
import { formatTable } from '../src/output/format-table.ts'
import { startProgress } from '../src/output/progress.ts'
import { styleFor } from '../src/output/style.ts'
import { bufferIo } from './buffer-io.ts'

test('numbers read the same everywhere', () => {
  expect([0, 999, 1000, 1_234_567, 0.4].map(formatCount)).toEqual([
    '0',
    '999',
    '1,000',
    '1,234,567',
    '0',
  ])
  expect([0, 46_049_999, 999_949_999, 1_234_000_000].map(formatMegabytes)).toEqual([
    '0.0',
    '46.0',
    '999.9',
    '1,234',
  ])
  expect([0.004, 9.99, 9.996, 99.96, 119.6].map(formatSeconds)).toEqual([
    '0.00 s',
    '9.99 s',
    '10.0 s',
    '1 min 40 s',
    '2 min 00 s',
  ])
  expect([formatQuantity(1, 'file'), formatQuantity(2000, 'file')]).toEqual([
    '1 file',
    '2,000 files',
  ])
})

test('a table is as wide as its cells, and colours do not count', () => {
  const lines = formatTable(
    [
      { heading: 'type', align: 'left' },
      { heading: 'n', align: 'right' },
    ],
    [
      ['Patient', '7'],
      ['X', '1,000'],
    ],
    (padded, row) => (row === 0 ? `<${padded}>` : padded),
  )

  expect(lines).toEqual([
    'type         n',
    '───────  ─────',
    '<Patient>  <    7>',
    'X        1,000',
  ])
})

describe('colours', () => {
  const red = (isTTY: boolean, env: Record<string, string>): string =>
    styleFor({ isTTY, write: () => undefined }, env).red('x')

  test('are for terminals, unless NO_COLOR or a dumb terminal says otherwise', () => {
    expect(red(true, {})).toBe('\u001b[31mx\u001b[39m')
    expect([red(false, {}), red(true, { NO_COLOR: '1' }), red(true, { TERM: 'dumb' })]).toEqual([
      'x',
      'x',
      'x',
    ])
  })
})

describe('progress', () => {
  test('redraws one line on a terminal, not faster than one can read, and takes it away', () => {
    let now = 0
    const io = bufferIo({ isTTY: true })
    const progress = startProgress({ output: io.stderr, mode: 'terminal', now: () => now })

    progress.update({ text: 'one', event: 'e' })
    progress.update({ text: 'too soon', event: 'e' })
    now = 100
    progress.update({ text: 'x'.repeat(200), event: 'e' })
    progress.note({ text: 'stays', event: 'e' })
    progress.clear()

    expect(io.err()).toBe(`\r\u001b[2Kone\r\u001b[2K${'x'.repeat(98)}…\r\u001b[2Kstays\n`)
  })

  test('is a line now and then elsewhere, JSON where asked for, and nothing where not wanted', () => {
    const written = (['lines', 'json', 'quiet'] as const).map((mode) => {
      let now = 0
      const io = bufferIo()
      const progress = startProgress({ output: io.stderr, mode, now: () => now })
      for (now = 0; now <= 11_000; now += 1000) {
        progress.update({ text: `at ${now}`, event: 'tick', fields: { now } })
      }
      return io.err()
    })

    expect(written).toEqual([
      'at 5000\nat 10000\n',
      '{"event":"tick","now":0}\n{"event":"tick","now":5000}\n{"event":"tick","now":10000}\n',
      '',
    ])
  })
})

describe('errors', () => {
  class DiskFullError extends BulkDataError {
    readonly code = 'DISK_FULL'
    readonly retryable = true
  }

  test('are one line with cause, next step and code', () => {
    const error = new DiskFullError('The disk is full', { nextStep: 'Make room.' })

    expect(formatError(error, { verbose: false })).toBe(
      'flatfhir: The disk is full. Make room. [DISK_FULL]\n',
    )
    expect(formatError(new UsageError('x is missing'), { verbose: false })).toBe(
      'flatfhir: x is missing.\n',
    )
  })

  test('never quote the input of a parser, not even as a cause and in full', () => {
    let cause: unknown
    try {
      JSON.parse('{"family": Smith}')
    } catch (error) {
      cause = error
    }
    const error = new DiskFullError('The disk is full', { cause })

    const texts = [cause, error].flatMap((one) =>
      [true, false].map((verbose) => formatError(one, { verbose })),
    )

    expect(texts.join('')).toContain('SyntaxError')
    expect(texts.join('')).not.toContain('Smi')
  })

  test('show their stack and causes only where asked for', () => {
    const error = new DiskFullError('The disk is full', { cause: new RangeError('inner') })

    expect(formatError(error, { verbose: false })).not.toContain('at ')
    expect(formatError(error, { verbose: true })).toMatch(
      /DiskFullError: The disk is full\n\s+at [^]*caused by\n\s+RangeError: inner\n\s+at /,
    )
  })

  test('that nobody foresaw say so', () => {
    expect(formatError(new TypeError('a\n  b'), { verbose: false })).toBe(
      'flatfhir: Unexpected TypeError: a b. This is a defect of flatfhir: run it again with --verbose and report what it prints.\n',
    )
    expect(formatError('text', { verbose: false })).toContain('Unexpected string.')
  })
})
