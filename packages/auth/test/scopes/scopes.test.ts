import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scopesFor, scopeStyleOf } from '../../src/scopes/export-scopes.ts'
import { grantScopes } from '../../src/scopes/grant-scopes.ts'
import { ScopeSet } from '../../src/scopes/scope-set.ts'
import {
  formatSystemScope,
  INTERACTIONS,
  parseSystemScope,
  type Interaction,
  type SystemScope,
} from '../../src/scopes/system-scope.ts'

const TYPES = ['Patient', 'Observation', 'Group']

describe('parseSystemScope', () => {
  test.each([
    ['system/Patient.read', 'v1', 'rs'],
    ['system/Patient.write', 'v1', 'cud'],
    ['system/*.*', 'v1', 'cruds'],
    ['system/Observation.rs', 'v2', 'rs'],
    ['system/*.cruds', 'v2', 'cruds'],
    ['system/Observation.d', 'v2', 'd'],
  ])('reads %s', (text, style, letters) => {
    const parsed = parseSystemScope(text)

    expect(parsed).toMatchObject({ ok: true, scope: { style, constraints: [] } })
    expect(parsed.ok && parsed.scope.interactions.join('')).toBe(letters)
    expect(parsed.ok && formatSystemScope(parsed.scope)).toBe(text)
  })

  test('reads constraints, decoded', () => {
    const parsed = parseSystemScope('system/Observation.rs?category=http%3A//x|lab&code:in=a%26b')

    expect(parsed.ok && parsed.scope.constraints).toEqual([
      { parameter: 'category', value: 'http://x|lab' },
      { parameter: 'code:in', value: 'a&b' },
    ])
  })

  test.each([
    ['patient/Patient.rs', 'not-a-system-scope'],
    ['user/*.read', 'not-a-system-scope'],
    ['openid', 'not-a-system-scope'],
    ['system/Patient', 'not-a-system-scope'],
    ['system/Patient.', 'not-a-system-scope'],
    ['SYSTEM/Patient.rs', 'not-a-system-scope'],
    ['system/Patient.rs\n', 'not-a-system-scope'],
    ['system/Patient.r"s', 'not-a-system-scope'],
    ['system/Pat.rs', 'unknown-type'],
    ['system/patient.rs', 'unknown-type'],
    ['system/Patient.sr', 'unknown-interaction'],
    ['system/Patient.rr', 'unknown-interaction'],
    ['system/Patient.dus', 'unknown-interaction'],
    ['system/Patient.rsx', 'unknown-interaction'],
    ['system/Patient.reads', 'unknown-interaction'],
    ['system/Patient.rs?', 'malformed-constraint'],
    ['system/Patient.rs?category', 'malformed-constraint'],
    ['system/Patient.rs?=x', 'malformed-constraint'],
    ['system/Patient.rs?a=1&', 'malformed-constraint'],
    ['system/Patient.rs?a=%zz', 'malformed-constraint'],
    ['system/Patient.read?a=1', 'malformed-constraint'],
  ])('refuses %j as %s', (text, fault) => {
    expect(parseSystemScope(text)).toEqual({ ok: false, fault })
  })

  test('never throws, and reads back what it writes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), scopeText()), (text) => {
        const parsed = parseSystemScope(text)
        if (!parsed.ok) return
        expect(parseSystemScope(formatSystemScope(parsed.scope))).toEqual(parsed)
      }),
    )
  })
})

describe('grantScopes', () => {
  test.each([
    ['system/Patient.read', 'system/*.rs', 'system/Patient.read'],
    ['system/Patient.rs', 'system/*.read', 'system/Patient.rs'],
    ['system/*.read', 'system/*.rs', 'system/*.read'],
    ['system/*.rs', 'system/Patient.rs system/Group.r', 'system/Patient.rs system/Group.r'],
    ['system/*.read', 'system/Patient.rs system/Group.r', 'system/Patient.read'],
    ['system/*.cruds', 'system/*.rs system/Group.cruds', 'system/*.rs system/Group.cruds'],
    ['system/Patient.cruds', 'system/Patient.rs', 'system/Patient.rs'],
    ['system/Patient.*', 'system/Patient.rs', 'system/Patient.read'],
    ['system/Patient.*', 'system/Patient.cruds', 'system/Patient.*'],
    ['system/Patient.r system/Patient.s', 'system/*.rs', 'system/Patient.rs'],
    ['openid system/Patient.rs', 'system/*.rs', 'system/Patient.rs'],
    ['  system/Patient.rs   system/Patient.rs ', 'system/*.rs', 'system/Patient.rs'],
    ['system/Observation.rs', 'system/Patient.rs', ''],
    ['system/Patient.read', 'system/Patient.r', ''],
    ['system/Patient.rs?_id=1', 'system/*.cruds', ''],
    ['system/Patient.rs', 'system/Patient.rs?_id=1', ''],
    ['system/*.rs', 'system/Patient.rs?_id=1 system/Group.r', 'system/Group.r'],
    ['', 'system/*.rs', ''],
  ])('asked %j against %j gives %j', (requested, registered, granted) => {
    expect(grantScopes(requested, registered).text).toBe(granted)
  })

  test('says what it refused and why', () => {
    const requested = 'openid system/Patient.rs?a=1 system/Group.rs system/Patient.rs'

    expect(grantScopes(requested, 'system/Patient.rs').refused).toEqual([
      { scope: 'openid', reason: 'not-a-system-scope' },
      { scope: 'system/Patient.rs?a=1', reason: 'constraint-not-supported' },
      { scope: 'system/Group.rs', reason: 'not-registered' },
    ])
  })

  test.each([
    // asked, registered, granted
    ['system/Observation.rs', 'system/Observation.rs?a=1', 'system/Observation.rs?a=1'],
    ['system/Observation.read', 'system/Observation.rs?a=1', 'system/Observation.rs?a=1'],
    ['system/Observation.rs?a=1', 'system/*.cruds', 'system/Observation.rs?a=1'],
    ['system/Observation.rs?a=1', 'system/Observation.rs?a=1', 'system/Observation.rs?a=1'],
    ['system/Observation.rs?a=1', 'system/Observation.rs?b=2', 'system/Observation.rs?a=1&b=2'],
    ['system/Observation.rs?b=2', 'system/Observation.r', 'system/Observation.r?b=2'],
    ['system/*.rs', 'system/*.rs system/Observation.rs?a=1', 'system/*.rs'],
    [
      'system/*.rs',
      'system/Patient.rs system/Observation.rs?a=1 system/Observation.rs?b=2',
      'system/Patient.rs system/Observation.rs?a=1 system/Observation.rs?b=2',
    ],
    [
      'system/Observation.rs?a=1 system/Observation.rs',
      'system/Observation.rs?b=2',
      'system/Observation.rs?a=1&b=2 system/Observation.rs?b=2',
    ],
    ['system/Observation.rs?unknown=1', 'system/*.rs', ''],
    ['system/Observation.rs', 'system/Observation.rs?unknown=1', ''],
    ['system/*.rs?a=1', 'system/*.rs', ''],
    ['system/Patient.rs?a=1', 'system/Observation.rs?a=1', ''],
  ])('asked %j against %j, where constraints are honoured, gives %j', (asked, registered, text) => {
    const supports = (_: string, query: string): boolean => !query.includes('unknown')

    expect(grantScopes(asked, registered, supports).text).toBe(text)
  })

  test('grants in v2 exactly what is both asked and registered, and in v1 never more', () => {
    fc.assert(
      fc.property(scopeTexts(), scopeTexts(), (requested, registered) => {
        const granted = grantScopes(requested.join(' '), registered.join(' '))
        const onlyV2 = requested.every((text) => !/\.(read|write|\*)$/.test(text))
        for (const type of [...TYPES, 'Condition']) {
          for (const letter of INTERACTIONS) {
            const both = allows(requested, type, letter) && allows(registered, type, letter)
            const given = allows(granted.text.split(' '), type, letter)
            if (given || onlyV2) expect(given).toBe(both)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('ScopeSet', () => {
  test('needs read and search for an export', () => {
    const scopes = ScopeSet.parse('system/Patient.r system/Observation.rs system/Group.read')

    expect(scopes.readableTypes(['Patient', 'Observation', 'Group', 'Device'])).toEqual([
      'Observation',
      'Group',
    ])
    expect(scopes.canRead('Patient')).toBe(true)
    expect(scopes.canSearch('Patient')).toBe(false)
  })

  test('lets the wildcard and a type complete each other', () => {
    const scopes = ScopeSet.parse('system/*.r system/Patient.s system/Group.cud')

    expect(scopes.readableTypes(TYPES)).toEqual(['Patient'])
    expect([
      scopes.canCreate('Group'),
      scopes.canUpdate('Group'),
      scopes.canDelete('Group'),
    ]).toEqual([true, true, true])
    expect(scopes.canCreate('Patient')).toBe(false)
  })

  test('never widens a constrained scope, and keeps it', () => {
    const scopes = ScopeSet.parse('system/Observation.rs?category=laboratory')

    expect(scopes.canRead('Observation')).toBe(false)
    expect(scopes.scopes[0]?.constraints).toEqual([{ parameter: 'category', value: 'laboratory' }])
  })
})

describe('constraints of exports', () => {
  test('are those of scopes that allow a part of a type, sorted', () => {
    const scopes = ScopeSet.parse(
      'system/Observation.rs?b=2&a=1 system/Observation.rs?a=0 system/Patient.rs system/Condition.r?a=1',
    )

    expect(scopes.exportConstraints('Observation')).toEqual(['a=0', 'a=1&b=2'])
    expect(scopes.exportConstraints('Patient')).toBeUndefined()
    expect([scopes.canExport('Observation'), scopes.canExport('Condition')]).toEqual([true, false])
  })

  test('do not hold where the whole type is allowed as well', () => {
    const scopes = ScopeSet.parse('system/Observation.rs?a=1 system/*.read')

    expect(scopes.exportConstraints('Observation')).toBeUndefined()
  })
})

describe('scopesFor', () => {
  test.each([
    [undefined, 'system', 'v1', 'system/*.read'],
    [[], 'group', 'v2', 'system/*.rs'],
    [['Observation'], 'patient', 'v2', 'system/Observation.rs'],
    [
      ['Observation', 'Patient'],
      'group',
      'v1',
      'system/Observation.read system/Patient.read system/Group.read',
    ],
  ] as const)('%j at level %s in %s is %s', (...[types, level, style, expected]) => {
    const request = types === undefined ? { level, style } : { types, level, style }

    expect(scopesFor(request).split(' ').sort()).toEqual(expected.split(' ').sort())
  })

  test('speaks v2 only to servers that say so', () => {
    expect(scopeStyleOf(['permission-v1', 'permission-v2'])).toBe('v2')
    expect(scopeStyleOf([])).toBe('v1')
  })
})

/** The naive reading of a list of unconstrained scopes. */
function allows(texts: readonly string[], type: string, letter: Interaction): boolean {
  return texts.some((text) => {
    const match = /^system\/(.+)\.(.+)$/.exec(text)
    const word = match?.[2] ?? ''
    const v1: Record<string, string> = { read: 'rs', write: 'cud', '*': 'cruds' }
    return (match?.[1] === '*' || match?.[1] === type) && (v1[word] ?? word).includes(letter)
  })
}

function scopeText(): fc.Arbitrary<string> {
  const letters = fc.subarray([...INTERACTIONS], { minLength: 1 }).map((some) => some.join(''))
  const word = fc.oneof(letters, fc.constantFrom('read', 'write', '*'))
  return fc
    .tuple(fc.constantFrom('*', ...TYPES), word)
    .map(([type, text]) => `system/${type}.${text}`)
}

function scopeTexts(): fc.Arbitrary<string[]> {
  return fc.array(scopeText(), { maxLength: 5 })
}

test('formatting v1 without a word for it is a defect of the caller', () => {
  const scope: SystemScope = { style: 'v1', type: 'Patient', interactions: ['r'], constraints: [] }

  expect(() => formatSystemScope(scope)).toThrow(TypeError)
})
