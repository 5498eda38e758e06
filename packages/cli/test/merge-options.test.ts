import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigFileInvalidError, UsageError } from '../src/errors.ts'
import { mergeOptions, type ConfigFileLayer } from '../src/options/merge-options.ts'
import type { OptionTable } from '../src/options/option-table.ts'
import { flag, integer, list, path, text } from '../src/options/value-types.ts'

interface Options {
  readonly port: number
  readonly maxFileSize: number | undefined
  readonly system: boolean | undefined
  readonly group: string | undefined
  readonly out: string | undefined
  readonly type: readonly string[] | undefined
}

const TABLE: OptionTable<Options> = {
  port: { type: integer(0, 65_535), description: '', group: '', default: 8080 },
  maxFileSize: { type: integer(1, 9), description: '', group: '' },
  system: { type: flag, description: '', group: '', exclusive: 'level' },
  group: { type: text('ID'), description: '', group: '', exclusive: 'level' },
  out: { type: path('DIR'), description: '', group: '' },
  type: { type: list('TYPE'), description: '', group: '' },
}

function file(values: Record<string, unknown>, directory = ''): ConfigFileLayer {
  return { fileName: 'flatfhir.toml', directory, values }
}

describe('precedence', () => {
  const everywhere = {
    flags: { port: '1' },
    environment: { FLATFHIR_PORT: '2' },
    file: file({ port: 3 }),
  }

  test.each([
    ['a flag', everywhere, 1],
    ['the environment', { ...everywhere, flags: {} }, 2],
    ['the file', { ...everywhere, flags: {}, environment: {} }, 3],
    ['the default', { flags: {}, environment: {} }, 8080],
  ])('%s wins', (_, layers, expected) => {
    expect(mergeOptions(TABLE, layers).port).toBe(expected)
  })

  test('an empty variable counts as not set', () => {
    const merged = mergeOptions(TABLE, {
      flags: {},
      environment: { FLATFHIR_PORT: '' },
      file: file({ port: 3 }),
    })

    expect(merged.port).toBe(3)
  })

  test('a flag can turn off what the environment turned on', () => {
    const merged = mergeOptions(TABLE, {
      flags: { system: false },
      environment: { FLATFHIR_SYSTEM: 'true' },
    })

    expect(merged.system).toBe(false)
  })
})

describe('options that exclude each other', () => {
  test('are an error in the same place', () => {
    const merge = (): Options =>
      mergeOptions(TABLE, { flags: { system: true, group: 'g' }, environment: {} })

    expect(merge).toThrow(new UsageError('--system and --group exclude each other'))
  })

  test('in a higher place hide those of the lower places', () => {
    const merged = mergeOptions(TABLE, {
      flags: { group: 'g' },
      environment: { FLATFHIR_SYSTEM: 'true' },
      file: file({ system: true }),
    })

    expect(merged).toMatchObject({ group: 'g', system: undefined })
  })

  test('one that is turned off excludes nothing', () => {
    const merged = mergeOptions(TABLE, { flags: { system: false, group: 'g' }, environment: {} })

    expect(merged).toMatchObject({ group: 'g', system: false })
  })
})

describe('messages name the place', () => {
  test.each([
    ['--port', { flags: { port: 'x' }, environment: {} }],
    ['FLATFHIR_PORT', { flags: {}, environment: { FLATFHIR_PORT: 'x' } }],
    ['flatfhir.toml: key "port"', { flags: {}, environment: {}, file: file({ port: 'x' }) }],
    ['FLATFHIR_MAX_FILE_SIZE', { flags: {}, environment: { FLATFHIR_MAX_FILE_SIZE: 'x' } }],
  ])('%s', (place, layers) => {
    expect(() => mergeOptions(TABLE, layers)).toThrow(`${place}: expected a whole number`)
  })

  test('a value of the file at fault is a fault of the file', () => {
    expect(() =>
      mergeOptions(TABLE, { flags: {}, environment: {}, file: file({ port: 'x' }) }),
    ).toThrow(ConfigFileInvalidError)
  })

  test('a wrong value of a lower place is an error even where it is overridden', () => {
    expect(() =>
      mergeOptions(TABLE, { flags: { port: '1' }, environment: { FLATFHIR_PORT: 'x' } }),
    ).toThrow('FLATFHIR_PORT')
  })
})

test('a required option that nobody names is a usage error that says where to name it', () => {
  const table: OptionTable<{ readonly dataDir: string }> = {
    dataDir: { type: path('DIR'), description: '', group: '', required: true },
  }

  const merge = (): unknown => mergeOptions(table, { flags: {}, environment: {} })

  expect(merge).toThrow(
    expect.objectContaining({
      message: '--data-dir DIR is missing',
      nextStep: expect.stringContaining('FLATFHIR_DATA_DIR') as string,
    }),
  )
})

test('paths of a file are relative to the file; those of flags stay as they are', () => {
  const paths = (layers: Parameters<typeof mergeOptions>[1]): string | undefined =>
    mergeOptions(TABLE, layers).out

  expect(paths({ flags: {}, environment: {}, file: file({ out: 'x' }, 'etc') })).toBe(
    join('etc', 'x'),
  )
  expect(paths({ flags: {}, environment: {}, file: file({ out: '/x' }, 'etc') })).toBe('/x')
  expect(paths({ flags: { out: 'x' }, environment: {} })).toBe('x')
})
