import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { RESOURCE_ELEMENTS } from '../../src/generated/resource-elements.ts'
import { RESOURCE_TYPES } from '../../src/generated/resource-types.ts'
import {
  anyRootElementName,
  rootElementName,
  rootElements,
} from '../../src/elements/root-elements.ts'

interface TableScript {
  readDefinitions(): Promise<object>
}

interface ElementScript {
  renderElements(definitions: object): Promise<string>
}

const SCRIPTS = new URL('../../../../scripts/', import.meta.url).href
const GENERATED = new URL('../../src/generated/resource-elements.ts', import.meta.url)

test('the committed table is what the script makes of the definitions', async () => {
  const tables = (await import(`${SCRIPTS}generate-r4-tables.mjs`)) as TableScript
  const elements = (await import(`${SCRIPTS}generate-r4-elements.mjs`)) as ElementScript

  const text = await elements.renderElements(await tables.readDefinitions())

  expect(await readFile(GENERATED, 'utf8')).toBe(text)
})

test('every type has elements, its own and inherited ones', () => {
  expect(Object.keys(RESOURCE_ELEMENTS)).toEqual(RESOURCE_TYPES)
  for (const type of RESOURCE_TYPES) {
    const names = rootElements(type).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['id', 'meta', 'implicitRules', 'language']))
    expect(new Set(names).size).toBe(names.length)
  }
  expect(rootElementName('Binary', 'text')).toBeUndefined()
  expect(rootElementName('Patient', 'text')).toBe('text')
})

test('reads which elements are mandatory and which are choices', () => {
  const named = new Map(rootElements('MedicationRequest').map((element) => [element.name, element]))

  expect(named.get('status')).toEqual({ name: 'status', isMandatory: true, jsonNames: ['status'] })
  expect(named.get('note')).toEqual({ name: 'note', isMandatory: false, jsonNames: ['note'] })
  expect(named.get('medication')).toEqual({
    name: 'medication',
    isMandatory: true,
    jsonNames: ['medicationCodeableConcept', 'medicationReference'],
  })
})

test.each([
  ['value', 'value'],
  ['value[x]', 'value'],
  ['valueQuantity', 'value'],
  ['code', 'code'],
  ['code[x]', undefined],
  ['valueAttachment', undefined],
  ['resourceType', undefined],
  ['', undefined],
])('Observation.%s is %s', (written, name) => {
  expect(rootElementName('Observation', written)).toBe(name)
})

test.each([
  ['birthDate', 'birthDate'],
  ['deceased[x]', 'deceased'],
  ['deceasedBoolean', 'deceased'],
  ['birthdate', undefined],
  ['constructor', undefined],
])('%s of any type is %s', (written, name) => {
  expect(anyRootElementName(written)).toBe(name)
})
