import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { PROVIDER_PROFILES } from '@flatfhir/client'
import { exportFrom, filesIn, ndjson, startProvider, temporaryDirectory } from './fixtures.ts'

type Schema = Readonly<Record<string, unknown>>

interface At {
  readonly root: Schema
  readonly place: string
}

const ROOT = new URL('../../../', import.meta.url)

test('every receipt is of the form that its schema says', async () => {
  const schema = JSON.parse(
    await readFile(new URL('docs/receipt.schema.json', ROOT), 'utf8'),
  ) as Schema
  const content = `${ndjson('Patient', 2)}{"resourceType":"Patient","link":[{"reference":"Patient/x"}]}\n`
  const files = [
    { type: 'Patient', content },
    { type: 'Patient', content },
    { type: 'Group', content: 'nonsense\n' },
    { type: 'Device', content, always: { answer: { status: 400 } } },
    {
      type: 'OperationOutcome',
      kind: 'outcome' as const,
      content:
        '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"value"}]}\n',
    },
  ]
  const options = {
    ...{ compactBytes: 1_000_000, attachments: { mode: 'files' as const } },
    parameters: { types: ['Patient'], patients: ['1'] },
  } as const
  const good = await exportFrom(await startProvider({ files: files.slice(0, 1) }))
  const bad = await exportFrom(await startProvider({ files }), options)

  for (const { report } of [good, bad]) {
    const receipt: unknown = JSON.parse(JSON.stringify(report.receipt))
    expect(faultsOf(receipt, schema, { root: schema, place: '$' })).toEqual([])
  }
  const wrong = { ...bad.report.receipt, verdict: 'fine' }
  expect(faultsOf(wrong, schema, { root: schema, place: '$' })).not.toEqual([])
})

test('the example pulls an export and prints its receipt', async () => {
  const provider = await startProvider({
    files: [{ type: 'Patient', content: ndjson('Patient', 5) }],
  })
  const directory = await temporaryDirectory()
  const example = fileURLToPath(new URL('examples/pull-and-check.mjs', ROOT))

  const { stdout } = await promisify(execFile)(process.execPath, [example, provider.url, directory])

  expect(stdout).toContain('Verdict: complete')
  expect(await filesIn(directory)).toEqual(['Patient.000.ndjson'])
})

test('the documentation names every vendor that has a profile', async () => {
  const page = await readFile(new URL('docs/client.md', ROOT), 'utf8')

  for (const { id, name } of PROVIDER_PROFILES) {
    const words = [name, id, name.split(' ')[0] ?? '', id.toUpperCase()]
    expect(words.some((word) => page.includes(word))).toBe(true)
  }
})

/** As much of JSON Schema as the schema uses. Returns the places that do not fit. */
function faultsOf(value: unknown, rules: Schema, { root, place }: At): readonly string[] {
  const { $ref } = rules
  if (typeof $ref === 'string') {
    const target = $ref
      .split('/')
      .slice(1)
      .reduce<unknown>((at, key) => (at as Schema)[key], root)
    return faultsOf(value, target as Schema, { root, place })
  }
  if ('const' in rules && rules['const'] !== value) return [place]
  if (Array.isArray(rules['enum']) && !rules['enum'].includes(value)) return [place]
  switch (rules['type']) {
    case 'object':
      return objectFaults(value, rules, { root, place })
    case 'array':
      if (!Array.isArray(value)) return [place]
      return value.flatMap((item, index) =>
        faultsOf(item, rules['items'] as Schema, { root, place: `${place}[${index}]` }),
      )
    case 'integer':
      return Number.isSafeInteger(value) && Number(value) >= 0 ? [] : [place]
    case 'string':
      return typeof value === 'string' ? [] : [place]
    case 'boolean':
      return typeof value === 'boolean' ? [] : [place]
    default:
      return []
  }
}

function objectFaults(value: unknown, rules: Schema, { root, place }: At): readonly string[] {
  if (typeof value !== 'object' || value === null) return [place]
  const {
    properties,
    required = [],
    additionalProperties,
  } = rules as {
    readonly properties?: Readonly<Record<string, Schema>>
    readonly required?: readonly string[]
    readonly additionalProperties?: boolean
  }
  const missing = required.filter((name) => !(name in value)).map((name) => `${place}.${name}`)
  const wrong = Object.entries(value).flatMap(([name, inner]) => {
    const schema = properties?.[name]
    if (schema !== undefined) return faultsOf(inner, schema, { root, place: `${place}.${name}` })
    return additionalProperties === false ? [`${place}.${name}`] : []
  })
  return [...missing, ...wrong]
}
