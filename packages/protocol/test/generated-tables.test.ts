import { readFile } from 'node:fs/promises'
import { beforeAll, expect, test } from 'vitest'
import { PATIENT_COMPARTMENT } from '../src/generated/patient-compartment.ts'
import { RESOURCE_TYPES } from '../src/generated/resource-types.ts'

interface Definitions {
  readonly profiles: readonly object[]
  readonly searchParameters: readonly object[]
}

interface Generator {
  readDefinitions(): Promise<Definitions>
  renderTables(definitions: Definitions): Promise<Record<string, string>>
  patientCompartment(definitions: Definitions): Record<string, string[][]>
}

const SCRIPT = new URL('../../../scripts/generate-r4-tables.mjs', import.meta.url).href
const GENERATED = new URL('../src/generated/', import.meta.url)

let generator: Generator

beforeAll(async () => {
  generator = (await import(SCRIPT)) as Generator
})

test('the committed tables are what the script makes of the definitions', async () => {
  const tables = await generator.renderTables(await generator.readDefinitions())

  expect(Object.keys(tables)).toEqual(['resource-types.ts', 'patient-compartment.ts'])
  for (const [name, text] of Object.entries(tables)) {
    expect(await readFile(new URL(name, GENERATED), 'utf8'), `run npm run generate`).toBe(text)
  }
})

test('R4 has 146 concrete types, sorted, and none of R4B', () => {
  expect(RESOURCE_TYPES).toHaveLength(146)
  expect(RESOURCE_TYPES).toEqual([...RESOURCE_TYPES].sort())
  expect(RESOURCE_TYPES).toEqual(expect.arrayContaining(['Account', 'VisionPrescription']))
  for (const name of ['Resource', 'DomainResource', 'SubscriptionStatus']) {
    expect(RESOURCE_TYPES).not.toContain(name)
  }
})

test('the Patient compartment has 66 types, each with a path', () => {
  expect(Object.keys(PATIENT_COMPARTMENT)).toHaveLength(66)
  expect(Object.values(PATIENT_COMPARTMENT).every((paths) => paths.length > 0)).toBe(true)
  expect(PATIENT_COMPARTMENT).toMatchObject({
    Observation: [['subject'], ['performer']],
    Appointment: [['participant', 'actor']],
    Claim: [['patient'], ['payee', 'party']],
    Person: [['link', 'target']],
    Patient: [['link', 'other']],
    Group: [['member', 'entity']],
    EnrollmentRequest: [['candidate']],
    SupplyRequest: [['deliverTo']],
    Provenance: [['target']],
  })
})

test('reads casts and functions of expressions, and takes each path once', () => {
  const definitions = definitionsWith(
    '(Basic.subject as Reference) | Basic.subject.where(resolve() is Patient) | Flag.subject',
  )

  expect(generator.patientCompartment(definitions)).toEqual({ Basic: [['subject']] })
})

test.each(['Flag.subject', 'Basic.extension(1)'])(
  'stops at an expression that leads nowhere or cannot be read (%s)',
  (expression) => {
    expect(() => generator.patientCompartment(definitionsWith(expression))).toThrow(/Basic/)
  },
)

function definitionsWith(expression: string): Definitions {
  return {
    profiles: [
      {
        resourceType: 'CompartmentDefinition',
        code: 'Patient',
        resource: [{ code: 'Basic', param: ['patient'] }, { code: 'Binary' }],
      },
    ],
    searchParameters: [{ code: 'patient', base: ['Basic', 'Flag'], expression }],
  }
}
