import { expect, test } from 'vitest'
import { matching, thrownBy } from './matching.ts'
import { OBSERVATIONS } from './resources.ts'

test.each<[string, readonly string[]]>([
  ['code-value-quantity=http://loinc.org|2339-0$gt5', ['glucose']],
  ['code-value-quantity=2339-0$gt6', []],
  ['component-code-value-quantity=8480-6$gt100', ['pressure']],
  ['component-code-value-quantity=8462-4$gt100', []],
  ['component-code-value-quantity=8462-4$gt100,8480-6$120||mmHg', ['pressure']],
  ['combo-code-value-quantity=8462-4$80', ['pressure']],
  ['combo-code-value-quantity=2339-0$5.4', ['glucose']],
  ['code-value-concept=72166-2$266919005', ['smoking']],
  ['code-value-concept=2339-0$266919005', []],
  ['component-code-value-quantity:missing=true', ['glucose', 'smoking', 'bare']],
])('Observation?%s finds %j', (query, ids) => {
  expect(matching(`Observation?${query}`, OBSERVATIONS)).toEqual(ids)
})

test('takes a part from the resource where the definition says so', () => {
  const sequence = {
    resourceType: 'MolecularSequence',
    id: 's',
    referenceSeq: { chromosome: { coding: [{ code: '1' }] } },
    variant: [
      { start: 10, end: 20 },
      { start: 30, end: 40 },
    ],
  }
  const search = 'MolecularSequence?chromosome-variant-coordinate='

  expect(matching(`${search}1$ge10$le20`, [sequence])).toEqual(['s'])
  expect(matching(`${search}2$ge10$le20`, [sequence])).toEqual([])
  expect(matching(`${search}1$ge30$le20`, [sequence])).toEqual([])
})

test('reads value dates of composites', () => {
  const observation = {
    resourceType: 'Observation',
    id: 'o',
    code: { coding: [{ code: 'lmp' }] },
    valueDateTime: '2020-05-01',
  }

  expect(matching('Observation?code-value-date=lmp$2020-05', [observation])).toEqual(['o'])
  expect(matching('Observation?code-value-date=lmp$lt2020-05', [observation])).toEqual([])
})

test.each([
  'code-value-quantity=2339-0',
  'code-value-quantity=2339-0$',
  'code-value-quantity=a$1$2',
  'code-value-quantity=a$many',
])('refuses %s', (query) => {
  expect(thrownBy(() => matching(`Observation?${query}`, []))).toMatchObject({
    code: 'SEARCH_INVALID',
    parameter: 'code-value-quantity',
  })
})
