import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dayOf, formatDateTime, formatDay, formatInstant, parseDay } from '../src/calendar.ts'
import { decimal, quote, quoteAscii } from '../src/json-text.ts'
import { patientsOfPractice, planPopulation, practiceOfPatient } from '../src/population-plan.ts'
import { hashSeed, Random } from '../src/random.ts'

describe('the calendar', () => {
  const anyDay = fc.integer({ min: dayOf(1850, 1, 1), max: dayOf(2150, 1, 1) })

  test('agrees with the calendar of the runtime', () => {
    fc.assert(
      fc.property(anyDay, (day) => {
        expect(formatDay(day)).toBe(new Date(day * 86_400_000).toISOString().slice(0, 10))
        expect(parseDay(formatDay(day))).toBe(day)
      }),
    )
  })

  test('writes date and time with the zone that it is given', () => {
    const second = dayOf(2024, 2, 29) * 86_400 + 9 * 3600 + 5 * 60 + 7

    expect(formatDateTime(second, '-05:00')).toBe('2024-02-29T09:05:07-05:00')
    expect(formatInstant(second, 40, '-08:00')).toBe('2024-02-29T09:05:07.040-08:00')
  })

  test.each(['2023-02-29', '2023-13-01', '2023-00-10', '2023-1-1', '', '20230101'])(
    'refuses %j',
    (text) => {
      expect(parseDay(text)).toBeUndefined()
    },
  )
})

describe('JSON text', () => {
  test('keeps every digit of a decimal', () => {
    expect([decimal(150, 2), decimal(5, 2), decimal(0, 1), decimal(7, 0)]).toEqual([
      '1.50',
      '0.05',
      '0.0',
      '7',
    ])
    expect(decimal(-7_105_888, 5)).toBe('-71.05888')
  })

  test('escapes any text, in ASCII too, without changing it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(quote(text))).toBe(text)
        expect(JSON.parse(quoteAscii(text))).toBe(text)
        expect(quoteAscii(text)).toMatch(/^[\x20-\x7e]*$/)
      }),
    )
  })
})

describe('random numbers', () => {
  test('are the same ones for ever', () => {
    const random = new Random(hashSeed('golden'), 'story', 3)

    expect([random.next(), random.next(), random.below(1000), random.uuid()]).toEqual([
      3378844497,
      1541418444,
      90,
      '430d868d-caaa-4b54-a5c4-f0a898ff5ea7',
    ])
  })

  test('stay in their range, and reach both of its ends', () => {
    const random = new Random(hashSeed(1), 'person', 0)
    const drawn = new Set(Array.from({ length: 500 }, () => random.between(3, 7)))

    expect([...drawn].sort()).toEqual([3, 4, 5, 6, 7])
  })

  test('differ from stream to stream and from index to index', () => {
    const streams = ['identity', 'person', 'story', 'practice', 'payer', 'medication'] as const
    const ids = streams.flatMap((stream) =>
      Array.from({ length: 2000 }, (_, index) => new Random(hashSeed(5), stream, index).uuid()),
    )

    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.every((id) => UUID_V4.test(id))).toBe(true)
  })

  test('pick in proportion to the weight', () => {
    const random = new Random(hashSeed(1), 'person', 1)
    const items = [{ weight: 1 }, { weight: 0 }, { weight: 3 }] as const
    const counts = new Map<object, number>()
    for (let draw = 0; draw < 4000; draw += 1) {
      const item = random.pickWeighted(items)
      counts.set(item, (counts.get(item) ?? 0) + 1)
    }

    expect(counts.get(items[0])).toBeGreaterThan(850)
    expect(counts.get(items[0])).toBeLessThan(1150)
    expect(counts.has(items[1])).toBe(false)
  })
})

test('practices and their patients agree, whatever the size of the population', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6000 }), (patients) => {
      const plan = planPopulation({ patients })
      let count = 0
      for (let practice = 0; practice < plan.practices; practice += 1) {
        for (const patient of patientsOfPractice(plan, practice)) {
          if (practiceOfPatient(patient) !== practice) throw new Error('another practice')
          count += 1
        }
      }
      expect(count).toBe(patients)
    }),
    { numRuns: 40 },
  )
})

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
