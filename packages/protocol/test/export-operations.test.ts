import { expect, test } from 'vitest'
import { exportOperation, exportOperations, operationDefinition } from '../src/export-operations.ts'
import type { KickOffParameterName } from '../src/kick-off-parameters.ts'
import { KICK_OFF_PARAMETER_NAMES } from '../src/wire/kick-off-definitions.ts'

const DEFINITIONS = 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition'
const ALL = { parameters: KICK_OFF_PARAMETER_NAMES }

test.each([
  ['system', 'export', ['export']],
  ['patient', 'patient-export', ['export', 'patient-export']],
  ['group', 'group-export', ['export', 'group-export']],
] as const)('%s level has an operation for each edition', (level, id, names) => {
  expect(exportOperations(level)).toEqual([
    {
      level,
      edition: 'stu3',
      path: '$export',
      methods: ['GET', 'POST'],
      names,
      canonical: `${DEFINITIONS}/${id}`,
      version: '3.0.0',
      definition: `${DEFINITIONS}/${id}|3.0.0`,
    },
    {
      level,
      edition: 'stu4',
      path: '$export-v4',
      methods: ['POST'],
      names: ['export-v4'],
      canonical: `${DEFINITIONS}/${id}`,
      version: '4.0.0',
      definition: `${DEFINITIONS}/${id}|4.0.0`,
    },
  ])
})

test.each(['stu1', 'stu2', 'stu3'] as const)('%s is spoken by $export', (edition) => {
  expect(exportOperation(edition, 'group').path).toBe('$export')
  expect(exportOperation('stu4', 'group').path).toBe('$export-v4')
})

test('an OperationDefinition has what the operation takes', () => {
  const definition = operationDefinition({
    operation: exportOperation('stu4', 'group'),
    support: ALL,
    url: 'https://example.org/fhir/OperationDefinition/group-export-v4',
    date: new Date('2026-11-23T05:00:00Z'),
  })

  expect(definition).toMatchObject({
    resourceType: 'OperationDefinition',
    url: 'https://example.org/fhir/OperationDefinition/group-export-v4',
    name: 'ExportGroupV4',
    date: '2026-11-23',
    affectsState: true,
    code: 'export-v4',
    base: `${DEFINITIONS}/group-export|4.0.0`,
    resource: ['Group'],
    ...{ system: false, type: false, instance: true },
  })
  expect(parametersOf(definition)).toEqual({
    _outputFormat: 'string 1',
    _since: 'instant 1',
    _until: 'instant 1',
    _type: 'string *',
    _elements: 'string *',
    patient: 'Reference *',
    includeAssociatedData: 'Coding *',
    _typeFilter: 'string *',
    organizeOutputBy: 'string 1',
    allowPartialManifests: 'boolean 1',
    _minimumFileSize: 'positiveInt 1',
    _maximumFileSize: 'positiveInt 1',
  })
})

test('an OperationDefinition has only what is supported in its edition and at its level', () => {
  const of = (names: ReadonlySet<KickOffParameterName>, level: 'system' | 'patient') =>
    operationDefinition({
      operation: exportOperation('stu3', level),
      support: { parameters: names },
      url: 'https://example.org/fhir/OperationDefinition/export',
      date: new Date(0),
    })
  const system = of(KICK_OFF_PARAMETER_NAMES, 'system')

  expect(system).toMatchObject({ name: 'ExportSystem', affectsState: false, system: true })
  expect(system).not.toHaveProperty('resource')
  expect(Object.keys(parametersOf(system))).not.toContain('patient')
  expect(Object.keys(parametersOf(system))).not.toContain('_minimumFileSize')
  expect(parametersOf(system)).toMatchObject({ includeAssociatedData: 'code *' })
  expect(Object.keys(parametersOf(of(new Set(['_since', 'patient']), 'patient')))).toEqual([
    '_since',
    'patient',
  ])
})

function parametersOf(definition: object): Record<string, string> {
  const { parameter } = definition as {
    parameter: readonly { name: string; type: string; max: string }[]
  }
  return Object.fromEntries(parameter.map(({ name, type, max }) => [name, `${type} ${max}`]))
}
