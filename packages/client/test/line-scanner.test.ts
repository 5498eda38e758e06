import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineScanner } from '../src/verification/line-scanner.ts'

interface Accepted {
  readonly end: number
  readonly id: string | undefined
  readonly references: readonly string[]
}

function scan(line: string | Uint8Array, type = 'Patient'): Accepted | undefined {
  const bytes = Buffer.concat([Buffer.from(line), Buffer.from('\n')])
  const scanner = new LineScanner(bytes, type)
  const end = scanner.accept(0)
  if (end === -1) return undefined
  const text = (from = 0, to = 0): string =>
    JSON.parse(`"${bytes.toString('utf8', from, to)}"`) as string
  const places = [...scanner.references.subarray(0, scanner.referencesLength)]
  return {
    end,
    id: scanner.idStart === 0 ? undefined : text(scanner.idStart, scanner.idEnd),
    references: places.flatMap((place, at) => (at % 2 === 0 ? text(place, places[at + 1]) : [])),
  }
}

function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const isReference = !Array.isArray(value) && name === 'reference' && typeof inner === 'string'
    return isReference ? [inner] : referencesIn(inner)
  })
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}

/** JSON with names that matter, with and without blanks. */
const resource = fc
  .record({
    value: fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.jsonValue({ maxDepth: 1 }),
        fc.dictionary(
          fc.oneof(fc.constantFrom('reference', 'id', 'resourceType'), fc.string()),
          tie('node'),
        ),
        fc.array(tie('node'), { maxLength: 3 }),
      ),
    })).node,
    id: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
    reference: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
    blank: fc.constantFrom('', ' ', '\t'),
  })
  .map(({ value, id, reference, blank }) => {
    const subject = { reference }
    const text = JSON.stringify({ resourceType: 'Patient', id, subject, value }, undefined, blank)
    return text.replaceAll('\n', '\r')
  })

const mutated = fc
  .record({
    line: resource,
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.nat({ max: 3 }),
    added: fc.oneof(
      fc.constantFrom(...['"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', '+', 'u']),
      fc.constantFrom('"id":1,', '"resourceType":"X",', '\\u00', 'tru', '01', '\u0000', '\u00a0'),
      fc.string(),
    ),
  })
  .map(({ line, at, removed, added }) => {
    const place = Math.floor(at * line.length)
    const changed = line.slice(0, place) + added + line.slice(place + removed)
    // Half a pair of surrogates has no form in UTF-8.
    return Buffer.from(changed).toString()
  })
  .filter((line) => !line.includes('\n'))

describe('the line scanner', () => {
  it('accepts only what JSON.parse accepts, and finds the same in it', () => {
    fc.assert(
      fc.property(fc.oneof(resource, mutated), (line) => {
        const found = scan(line)
        if (found === undefined) return
        const value = parsed(line)
        expect(value?.['resourceType']).toBe('Patient')
        expect(found.end).toBe(Buffer.byteLength(line))
        expect(found.id).toEqual(value?.['id'])
      }),
      { numRuns: 3000 },
    )
  })

  it('finds every reference of a resource', () => {
    fc.assert(
      fc.property(resource, (line) => {
        const found = scan(line)
        if (found === undefined) return
        expect([...found.references].sort()).toEqual([...referencesIn(parsed(line))].sort())
      }),
      { numRuns: 1000 },
    )
  })

  it('accepts whatever is plain', () => {
    const line =
      '{"resourceType":"Patient","id":"é","a":[1,-0.5e+3,0,[],{}],"b":{"c":null},"d":[true,false]}'
    expect(scan(line)).toEqual({ end: Buffer.byteLength(line), id: 'é', references: [] })
    const blank = '{ "x" : "\\u00e9\\n\\"" , "resourceType"\t: "Patient" } \r'
    expect(scan(blank)?.end).toBe(blank.length)
    expect(scan('{"subject":{"reference":"A/1"},"resourceType":"Patient"}')?.references).toEqual([
      'A/1',
    ])
  })

  it.each([
    ['another type', '{"resourceType":"Patients"}'],
    ['no type', '{"id":"1"}'],
    ['a type that is deeper', '{"a":{"resourceType":"Patient"}}'],
    ['a type given twice', '{"resourceType":"Patient","resourceType":"Patient"}'],
    ['a type whose name has escapes', '{"resourceType":"Patient","resourceTyp\\u0065":"X"}'],
    ['an id given twice', '{"resourceType":"Patient","id":"1","id":"2"}'],
    ['an id that is no string', '{"resourceType":"Patient","id":1}'],
    ['two objects', '{"resourceType":"Patient"}{}'],
    ['a comma too much', '{"resourceType":"Patient",}'],
    ['a zero in front', '{"resourceType":"Patient","a":01}'],
    ['a point without digits', '{"resourceType":"Patient","a":1.}'],
    ['an exponent without digits', '{"resourceType":"Patient","a":1e}'],
    ['a lone minus', '{"resourceType":"Patient","a":-}'],
    ['a control character', '{"resourceType":"Patient","a":"\u0001"}'],
    ['an unknown escape', '{"resourceType":"Patient","a":"\\x"}'],
    ['half an escape', '{"resourceType":"Patient","a":"\\u12"}'],
    ['half a word', '{"resourceType":"Patient","a":tru}'],
    ['an open string', '{"resourceType":"Patient","a":"'],
    ['an open object', '{"resourceType":"Patient"'],
    ['another bracket', '{"resourceType":"Patient","a":[1}'],
    ['great depth', `{"resourceType":"Patient","a":${'['.repeat(200)}${']'.repeat(200)}}`],
  ])('leaves %s to JSON.parse', (_, line) => {
    expect(scan(line)).toBeUndefined()
  })

  it('does not look beyond its bytes', () => {
    const line = Buffer.from('{"resourceType":"Patient","a":[12.5e-3,"x\\u00e9",true]}\n')
    for (let length = 0; length < line.length; length += 1) {
      expect(new LineScanner(line.subarray(0, length), 'Patient').accept(0)).toBe(-1)
    }
    expect(isUtf8(line) && new LineScanner(line, 'Patient').accept(0)).toBe(line.length - 1)
  })
})
