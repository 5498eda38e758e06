import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BlockCheck, type BlockCheckOptions } from '../../src/organized-output/block-check.ts'

const PATIENT = { organizedBy: 'Patient' }

test.each<[string, BlockCheckOptions, readonly unknown[], readonly unknown[]]>([
  ['nothing', PATIENT, [], []],
  [
    'two blocks',
    PATIENT,
    [
      header('Patient/1'),
      resource('Patient', '1'),
      resource('Condition', 'c'),
      header('Patient/2'),
    ],
    [undefined, undefined, undefined, undefined, 'block-empty'],
  ],
  [
    'an absolute reference',
    PATIENT,
    [header('https://example.org/Patient/1'), resource('Patient', '1')],
    [],
  ],
  [
    'no header: one fault, however many lines follow',
    PATIENT,
    [
      resource('Patient', '1'),
      resource('Condition', 'c'),
      header('Patient/2'),
      resource('Patient', '2'),
    ],
    ['no-header'],
  ],
  [
    'a Parameters resource that is no header',
    PATIENT,
    [header('Patient/1'), resource('Patient', '1'), { resourceType: 'Parameters' }],
    [undefined, undefined, 'no-header'],
  ],
  [
    'a header of another type',
    PATIENT,
    [header('Encounter/1'), resource('Encounter', '1')],
    ['header-of-other-type'],
  ],
  [
    'another resource first',
    PATIENT,
    [header('Patient/1'), resource('Condition', 'c'), resource('Patient', '1')],
    [undefined, 'subject-not-first'],
  ],
  ['no object first', PATIENT, [header('Patient/1'), null], [undefined, 'subject-not-first']],
  [
    'an empty block in the middle',
    PATIENT,
    [header('Patient/1'), header('Patient/2'), resource('Patient', '2')],
    [undefined, 'block-empty'],
  ],
  [
    'a block twice',
    PATIENT,
    [header('Patient/1'), resource('Patient', '1'), header('Patient/1'), resource('Patient', '1')],
    [undefined, undefined, 'block-repeated'],
  ],
  [
    'a block twice, where nobody watches',
    { ...PATIENT, findRepeated: false },
    [header('Patient/1'), resource('Patient', '1'), header('Patient/1'), resource('Patient', '1')],
    [],
  ],
  [
    'the rest of a block, which only the first may be',
    { ...PATIENT, continues: true },
    [
      header('Patient/1'),
      resource('Condition', 'c'),
      header('Patient/2'),
      resource('Condition', 'd'),
    ],
    [undefined, undefined, undefined, 'subject-not-first'],
  ],
])('%s', (...[, options, lines, faults]) => {
  const check = new BlockCheck(options)

  const found = [...lines.map((line) => check.line(line)), check.end()]

  expect(found).toEqual([...faults, ...Array<undefined>(found.length - faults.length)])
  expect(check.blocks).toBe(lines.filter(isHeader).length)
})

test('takes any lines, and blocks that are right without a fault', () => {
  const block = fc
    .tuple(fc.uuid(), fc.array(fc.constantFrom('Condition', 'Encounter')))
    .map(([id, types]) => [
      header(`Patient/${id}`),
      resource('Patient', id),
      ...types.map((type) => resource(type, 'x')),
    ])
  fc.assert(
    fc.property(
      fc.uniqueArray(block, { selector: (lines) => JSON.stringify(lines[0]) }),
      (blocks) => {
        const check = new BlockCheck(PATIENT)

        const faults = blocks.flat().map((line) => check.line(line))

        expect(new Set([...faults, check.end()])).toEqual(new Set([undefined]))
        expect(check.blocks).toBe(blocks.length)
      },
    ),
  )
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (lines) => {
      const check = new BlockCheck(PATIENT)

      for (const line of lines) check.line(line)

      expect(check.blocks).toBe(0)
    }),
  )
})

function header(reference: string): object {
  const parameter = [{ name: 'header', valueReference: { reference } }]
  return { resourceType: 'Parameters', parameter }
}

function resource(resourceType: string, id: string): object {
  return { resourceType, id }
}

function isHeader(line: unknown): boolean {
  return JSON.stringify(line).includes('"header"')
}
