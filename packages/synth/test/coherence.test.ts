import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  at,
  listAt,
  parsePopulation,
  patientOf,
  referencesOf,
  textAt,
  type Parsed,
} from './population.ts'

/** What the tests without properties look at. */
const population = parsePopulation({ patients: 25, seed: 'coherent' })

const anyPopulation = fc.record({
  patients: fc.integer({ min: 1, max: 9 }),
  seed: fc.oneof(fc.string(), fc.integer()),
  today: fc.constantFrom('2025-12-31', '2012-02-29', '2000-01-01', '2099-12-31'),
})

test('every line is an object of its type, with an id of its own', () => {
  fc.assert(
    fc.property(anyPopulation, (options) => {
      const drawn = parsePopulation(options)

      expect(drawn.every(({ type, resource }) => resource['resourceType'] === type)).toBe(true)
      expect(drawn.every(({ line }) => !line.includes('\n'))).toBe(true)
      expect(new Set(drawn.map(keyOf)).size).toBe(drawn.length)
      expect(drawn.filter(({ type }) => type === 'Patient')).toHaveLength(options.patients)
    }),
    { numRuns: 15 },
  )
})

test('every reference leads to a resource of the population', () => {
  fc.assert(
    fc.property(anyPopulation, (options) => {
      const drawn = parsePopulation(options)
      const keys = new Set(drawn.map(keyOf))

      const broken = drawn
        .flatMap(({ line }) => referencesOf(line))
        .filter((reference) => !keys.has(reference))

      expect(broken).toEqual([])
    }),
    { numRuns: 15 },
  )
})

test('resources of a patient refer to resources of the same patient only', () => {
  const ownerOf = new Map(population.map((parsed) => [keyOf(parsed), patientOf(parsed)]))

  const foreign = population.flatMap((parsed) => {
    const owner = patientOf(parsed)
    if (owner === undefined) return []
    return referencesOf(parsed.line).filter((reference) => {
      const target = ownerOf.get(reference)
      return target !== undefined && target !== owner
    })
  })

  expect(foreign).toEqual([])
})

test('nothing happens before birth, after death, or after today', () => {
  fc.assert(
    fc.property(anyPopulation, (options) => {
      const drawn = parsePopulation(options)
      const patients = new Map(
        drawn.filter(({ type }) => type === 'Patient').map((one) => [keyOf(one), one.resource]),
      )

      const misplaced = drawn.flatMap((parsed) => {
        const patient = patients.get(patientOf(parsed) ?? '')
        if (patient === undefined) return []
        const first = textAt(patient, 'birthDate')
        const last = textAt(patient, 'deceasedDateTime').slice(0, 10) || options.today
        return happeningsOf(parsed)
          .filter((date) => date < first || date > last)
          .map((date) => `${parsed.type} on ${date}, outside ${first} to ${last}`)
      })
      expect(misplaced).toEqual([])
    }),
    { numRuns: 25 },
  )
})

test('some patients are dead, and the share is plausible', () => {
  const patients = parsePopulation({ patients: 100, seed: 'deaths' }, ['Patient'])
  const dead = patients.filter(({ line }) => line.includes('deceased'))

  expect(dead.length).toBeGreaterThan(5)
  expect(dead.length).toBeLessThan(35)
})

test('what belongs to an encounter lies within it, at the place and by the people of it', () => {
  const encounters = byKey(population, 'Encounter')
  const roles = population.filter(({ type }) => type === 'PractitionerRole')
  let checked = 0

  for (const parsed of population) {
    const encounter = encounters.get(encounterOf(parsed))
    if (encounter === undefined) continue
    checked += 1
    const start = instant(textAt(encounter, 'period', 'start'))
    const end = instant(textAt(encounter, 'period', 'end'))
    for (const time of timesWithin(parsed)) {
      expect(instant(time), parsed.type).toBeGreaterThanOrEqual(start)
      expect(instant(time), parsed.type).toBeLessThanOrEqual(end)
    }
    if (parsed.type === 'Condition') {
      expect(textAt(parsed.resource, 'onsetDateTime')).toBe(textAt(encounter, 'period', 'start'))
    }
  }
  for (const encounter of encounters.values()) {
    const doctor = textAt(encounter, 'participant', 0, 'individual', 'reference')
    const practice = textAt(encounter, 'serviceProvider', 'reference')
    const role = roles.find(
      ({ resource }) =>
        textAt(resource, 'practitioner', 'reference') === doctor &&
        textAt(resource, 'organization', 'reference') === practice,
    )
    expect(role).toBeDefined()
  }
  expect(checked).toBeGreaterThan(2500)
})

test('encounters of a patient do not overlap', () => {
  const lastEnd = new Map<string, number>()

  for (const { type, resource } of population) {
    if (type !== 'Encounter') continue
    const subject = textAt(resource, 'subject', 'reference')
    const start = instant(textAt(resource, 'period', 'start'))
    expect(start).toBeGreaterThan(lastEnd.get(subject) ?? -Infinity)
    lastEnd.set(subject, instant(textAt(resource, 'period', 'end')))
  }
})

test('a condition that has ended is resolved, and one that lasts is active', () => {
  for (const { type, resource } of population) {
    if (type !== 'Condition') continue
    const status = textAt(resource, 'clinicalStatus', 'coding', 0, 'code')
    const abatement = textAt(resource, 'abatementDateTime')
    expect(status).toBe(abatement === '' ? 'active' : 'resolved')
    if (abatement !== '')
      expect(abatement > textAt(resource, 'onsetDateTime').slice(0, 10)).toBe(true)
  }
})

test('a prescription names a condition that was known when it was written', () => {
  const conditions = byKey(population, 'Condition')
  let checked = 0

  for (const { type, resource } of population) {
    if (type !== 'MedicationRequest') continue
    const condition = conditions.get(textAt(resource, 'reasonReference', 0, 'reference'))
    expect(condition).toBeDefined()
    const onset = instant(textAt(condition, 'onsetDateTime'))
    expect(instant(textAt(resource, 'authoredOn'))).toBeGreaterThanOrEqual(onset)
    checked += 1
  }
  expect(checked).toBeGreaterThan(100)
})

test('the amounts of a claim add up, to the cent', () => {
  let checked = 0

  for (const { type, resource } of population) {
    if (type !== 'ExplanationOfBenefit') continue
    checked += 1
    const items = listAt(resource, 'item')
    const total = amounts(resource, 'total')
    for (const category of ['submitted', 'eligible', 'copay', 'benefit']) {
      const sum = items
        .map((item) => amounts(item, 'adjudication').get(category) ?? NaN)
        .reduce((a, b) => a + b)
      expect(sum).toBe(total.get(category))
    }
    const nets = items.map((item) => cents(at(item, 'net', 'value'))).reduce((a, b) => a + b)
    expect(nets).toBe(total.get('submitted'))
    expect((total.get('copay') ?? NaN) + (total.get('benefit') ?? NaN)).toBe(total.get('eligible'))
    expect(cents(at(resource, 'payment', 'amount', 'value'))).toBe(total.get('benefit'))
  }
  expect(checked).toBeGreaterThan(100)
})

test('a diagnostic report names results of its own encounter', () => {
  const observations = byKey(population, 'Observation')

  for (const { type, resource } of population) {
    if (type !== 'DiagnosticReport') continue
    for (const result of listAt(resource, 'result')) {
      const observation = observations.get(textAt(result, 'reference'))
      expect(at(observation, 'encounter')).toEqual(resource['encounter'])
      expect(at(observation, 'issued')).toBe(resource['issued'])
    }
  }
})

test('an inline attachment is text of the size that it says', () => {
  const documents = population.filter(({ type }) => type === 'DocumentReference')

  expect(documents.length).toBeGreaterThan(30)
  for (const { resource } of documents) {
    const attachment = at(resource, 'content', 0, 'attachment')
    const bytes = Buffer.from(textAt(attachment, 'data'), 'base64')
    expect(bytes.length).toBe(at(attachment, 'size'))
    expect(bytes.toString('utf8')).toContain('HISTORY')
  }
})

test('national provider identifiers have a right check digit, and belong to nobody', () => {
  const numbers = parsePopulation({ patients: 2 }, ['Practitioner']).map(({ resource }) =>
    textAt(resource, 'identifier', 0, 'value'),
  )

  expect(numbers).toHaveLength(18)
  for (const number of numbers) {
    expect(number).toMatch(/^9\d{9}$/)
    expect(luhnSum(`80840${number}`) % 10).toBe(0)
  }
})

test('texts hold what is hard to keep: other scripts, quotes, escapes, trailing zeros', () => {
  const lines = parsePopulation({ patients: 150 }, ['Patient', 'Goal']).map(({ line }) => line)
  const has = (pattern: RegExp): boolean => lines.some((line) => pattern.test(line))

  expect(has(/[\u4e00-\u9fff]/)).toBe(true)
  expect(has(/José|Zoë|Núñez|Łukasik/)).toBe(true)
  expect(has(/\\u[0-9a-f]{4}/)).toBe(true)
  expect(has(/ \\"\S+\\" /)).toBe(true)
  expect(has(/"value":\d+\.\d*0,/)).toBe(true)
})

function keyOf({ type, id }: Parsed): string {
  return `${type}/${id}`
}

function byKey(
  population: readonly Parsed[],
  wanted: Parsed['type'],
): ReadonlyMap<string, Parsed['resource']> {
  return new Map(
    population.filter(({ type }) => type === wanted).map((one) => [keyOf(one), one.resource]),
  )
}

function encounterOf({ type, resource }: Parsed): string {
  return type === 'CarePlan' ? '' : textAt(resource, 'encounter', 'reference')
}

/** Days on which something was done to, said about or paid for the patient. */
function happeningsOf({ type, resource }: Parsed): readonly string[] {
  const elements: Partial<Record<Parsed['type'], readonly (readonly (string | number)[])[]>> = {
    Encounter: [
      ['period', 'start'],
      ['period', 'end'],
    ],
    Observation: [['effectiveDateTime'], ['issued']],
    DiagnosticReport: [['effectiveDateTime'], ['issued']],
    Condition: [['onsetDateTime'], ['abatementDateTime'], ['recordedDate']],
    MedicationRequest: [['authoredOn']],
    Procedure: [
      ['performedPeriod', 'start'],
      ['performedPeriod', 'end'],
    ],
    Immunization: [['occurrenceDateTime']],
    AllergyIntolerance: [['recordedDate']],
    DocumentReference: [['date'], ['content', 0, 'attachment', 'creation']],
    CarePlan: [
      ['period', 'start'],
      ['period', 'end'],
    ],
    CareTeam: [
      ['period', 'start'],
      ['period', 'end'],
    ],
    Goal: [['startDate']],
    Coverage: [
      ['period', 'start'],
      ['period', 'end'],
    ],
    ExplanationOfBenefit: [['billablePeriod', 'end'], ['created'], ['payment', 'date']],
    Provenance: [['recorded']],
    Device: [['manufactureDate']],
  }
  return (elements[type] ?? [])
    .map((path) => textAt(resource, ...path).slice(0, 10))
    .filter((date) => date !== '')
}

function timesWithin({ type, resource }: Parsed): readonly string[] {
  const elements: Partial<Record<Parsed['type'], readonly (readonly string[])[]>> = {
    Observation: [['effectiveDateTime']],
    DiagnosticReport: [['effectiveDateTime']],
    MedicationRequest: [['authoredOn']],
    Procedure: [
      ['performedPeriod', 'start'],
      ['performedPeriod', 'end'],
    ],
    Immunization: [['occurrenceDateTime']],
  }
  return (elements[type] ?? []).map((path) => textAt(resource, ...path))
}

function instant(text: string): number {
  const parsed = Date.parse(text)
  expect(parsed).not.toBeNaN()
  return parsed
}

function amounts(value: unknown, element: string): ReadonlyMap<string, number> {
  return new Map(
    listAt(value, element).map((entry) => [
      textAt(entry, 'category', 'coding', 0, 'code'),
      cents(at(entry, 'amount', 'value')),
    ]),
  )
}

function cents(value: unknown): number {
  return Math.round(Number(value) * 100)
}

function luhnSum(digits: string): number {
  return Array.from(digits)
    .reverse()
    .map((digit, index) => (index % 2 === 0 ? Number(digit) : Number(digit) * 2))
    .map((value) => (value > 9 ? value - 9 : value))
    .reduce((a, b) => a + b)
}
