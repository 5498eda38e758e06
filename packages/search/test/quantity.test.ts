import { expect, test } from 'vitest'
import type { JsonObject } from '../src/json.ts'
import { matching, thrownBy } from './matching.ts'
import { OBSERVATIONS } from './resources.ts'

const UCUM = 'http://unitsofmeasure.org'

test.each<[string, readonly string[]]>([
  ['value-quantity=5.4', ['glucose']],
  ['value-quantity=5.40', ['glucose']],
  ['value-quantity=5', ['glucose']],
  ['value-quantity=5.0', []],
  ['value-quantity=54e-1', ['glucose']],
  [`value-quantity=5.4|${UCUM}|mmol/L`, ['glucose']],
  [`value-quantity=5.4|${UCUM}|mg`, []],
  ['value-quantity=5.4|http://example.org|mmol/L', []],
  ['value-quantity=5.4||mmol/L', ['glucose']],
  ['value-quantity=lt6||mmol/L', ['glucose', 'bare']],
  ['value-quantity=gt5.3', ['glucose']],
  ['value-quantity=gt5.4', []],
  ['value-quantity=ge5.4', ['glucose']],
  ['value-quantity=le5.4', ['glucose', 'bare']],
  ['value-quantity=lt5.4', ['bare']],
  ['value-quantity=ne5.4', ['bare']],
  ['value-quantity=ap5', ['glucose', 'bare']],
  ['value-quantity=ap4', ['bare']],
  ['value-quantity=sa5.3', ['glucose']],
  ['value-quantity=eb5.5', ['glucose', 'bare']],
  ['combo-value-quantity=gt100||mmHg', ['pressure']],
  ['component-value-quantity=80,5.4', ['pressure']],
  ['value-quantity:missing=true', ['pressure', 'smoking']],
])('Observation?%s finds %j', (query, ids) => {
  expect(matching(`Observation?${query}`, OBSERVATIONS)).toEqual(ids)
})

// The examples of R4's search.html#number, and their borders.
test.each<[string, readonly number[]]>([
  ['100', [99.5, 100, 100.4]],
  ['100.00', [100]],
  ['1e2', [95, 97, 99.4, 99.5, 100, 100.4, 100.5]],
  ['lt100', [94.9, 95, 97, 99.4, 99.5]],
  ['le100', [94.9, 95, 97, 99.4, 99.5, 100]],
  ['gt100', [100.4, 100.5, 105, 111]],
  ['ge100', [100, 100.4, 100.5, 105, 111]],
  ['ne100', [94.9, 95, 97, 99.4, 100.5, 105, 111]],
  ['ap100', [94.9, 95, 97, 99.4, 99.5, 100, 100.4, 100.5, 105]],
  ['sa100', [100.4, 100.5, 105, 111]],
  ['eb100', [94.9, 95, 97, 99.4, 99.5]],
  ['-1', []],
])('ChargeItem?factor-override=%s finds %j', (value, factors) => {
  const all = [94.9, 95, 97, 99.4, 99.5, 100, 100.4, 100.5, 105, 111]
  const items = all.map((id) => ({ resourceType: 'ChargeItem', id, factorOverride: id }))

  expect(matching(`ChargeItem?factor-override=${value}`, items)).toEqual(factors)
})

test('compares decimal borders as decimals', () => {
  const at = (id: number): JsonObject => ({
    resourceType: 'Observation',
    id,
    valueQuantity: { value: id },
  })

  expect(matching('Observation?value-quantity=5.4', [5.35, 5.45].map(at))).toEqual([5.35])
  expect(matching('Observation?value-quantity=0.3', [0.25, 0.35].map(at))).toEqual([0.25])
  expect(matching('Observation?value-quantity=-5.4', [-5.45, -5.35].map(at))).toEqual([-5.45])
})

test('searches ranges and money', () => {
  const conditions = [
    { resourceType: 'Condition', id: 'age', onsetAge: { value: 30, system: UCUM, code: 'a' } },
    {
      resourceType: 'Condition',
      id: 'range',
      onsetRange: { low: { value: 20, code: 'a' }, high: { value: 40, code: 'a' } },
    },
    { resourceType: 'Condition', id: 'open', onsetRange: { low: { value: 50, code: 'a' } } },
  ]
  const invoices = [
    { resourceType: 'Invoice', id: 'chf', totalGross: { value: 12.5, currency: 'CHF' } },
    { resourceType: 'Invoice', id: 'eur', totalGross: { value: 12.5, currency: 'EUR' } },
  ]

  expect(matching('Condition?onset-age=30||a', conditions)).toEqual(['age'])
  expect(matching('Condition?onset-age=gt35', conditions)).toEqual(['range', 'open'])
  expect(matching('Condition?onset-age=sa45', conditions)).toEqual(['open'])
  expect(matching('Condition?onset-age=lt25||a', conditions)).toEqual(['range'])
  expect(matching('Invoice?totalgross=12.5||CHF', invoices)).toEqual(['chf'])
  expect(matching('Invoice?totalgross=12.5|urn:iso:std:iso:4217|EUR', invoices)).toEqual(['eur'])
})

test.each([
  'value-quantity=many',
  'value-quantity=5.4|mg',
  'value-quantity=1|2|3|4',
  'value-quantity=+5',
  'value-quantity=1e999',
  'value-quantity=5.',
  `value-quantity=${'9'.repeat(100)}`,
])('refuses %s', (query) => {
  expect(thrownBy(() => matching(`Observation?${query}`, []))).toMatchObject({
    code: 'SEARCH_INVALID',
    parameter: 'value-quantity',
  })
})
