import { GENERIC_PROFILE, PROVIDER_PROFILES } from '@flatfhir/client'
import { describe, expect, test } from 'vitest'
import { VENDORS } from '../src/commands/export/plan-options.ts'
import { COMMANDS, configFileTables } from '../src/commands/registry.ts'
import { configFileLayer } from '../src/options/config-file.ts'
import { GLOBAL_OPTIONS } from '../src/options/global-options.ts'
import {
  flagOf,
  keyOf,
  nameOf,
  variableOf,
  type AnyOptionTable,
} from '../src/options/option-table.ts'
import { runCli } from '../src/run-cli.ts'
import { bufferIo } from './buffer-io.ts'

describe.each(COMMANDS)('flatfhir $name', (command) => {
  const table: AnyOptionTable = { ...command.options, ...GLOBAL_OPTIONS }

  test('has no option that an option of every command hides', () => {
    const shared = Object.keys(GLOBAL_OPTIONS).filter((name) => name in command.options)

    expect(shared).toEqual([])
  })

  test('has defaults that its own types accept, as they are written', () => {
    for (const [name, option] of Object.entries(table)) {
      if (option.default === undefined) continue
      const written = option.type.format(option.default)
      expect([name, option.type.parse(written)]).toEqual([name, option.default])
    }
  })

  test('shows every flag and argument in its help, and an example', async () => {
    const io = bufferIo()

    const exitCode = await runCli([...command.name.split(' '), '--help'], io)

    expect(exitCode).toBe(0)
    const help = io.out()
    for (const [name, option] of Object.entries(table)) {
      const isFlag = option.argument !== true && option.secret !== true
      expect(help).toContain(isFlag ? flagOf(name) : nameOf(name, option))
    }
    for (const { line } of command.examples) expect(help).toContain(line)
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110)
  })
})

test('one word has one type, whichever command has it; several of a kind may be one', () => {
  const expected = new Map<string, string>()
  for (const { options } of COMMANDS) {
    for (const [name, { type }] of Object.entries(options)) {
      const kind = type.expected === 'one value or several' ? 'a text' : type.expected
      expect(`${name}: ${expected.get(name) ?? kind}`).toBe(`${name}: ${kind}`)
      expected.set(name, kind)
    }
  }
})

test('secrets have neither flag nor key', async () => {
  const options = COMMANDS.flatMap((command) => Object.entries(command.options))
  const secrets = new Set(options.flatMap(([name, { secret }]) => (secret === true ? [name] : [])))

  expect([...secrets]).toEqual(['privateKey', 'clientSecret'])
  for (const name of secrets) {
    const io = bufferIo()
    expect(await runCli(['export', 'http://127.0.0.1:1', flagOf(name), 'x'], io)).toBe(2)
    const file = { fileName: 'f', directory: '', content: { [keyOf(name)]: 'x' } }
    expect(() => configFileLayer(file, 'export', configFileTables())).toThrow('unknown key')
  }
})

test('--vendor knows the profiles that the client has', () => {
  const profiles = [GENERIC_PROFILE, ...PROVIDER_PROFILES].map(({ id }) => id)

  expect(VENDORS).toEqual(['auto', ...profiles])
})

test('names are the same words in every place', () => {
  expect([flagOf('maxFileSize'), variableOf('maxFileSize'), keyOf('maxFileSize')]).toEqual([
    '--max-file-size',
    'FLATFHIR_MAX_FILE_SIZE',
    'max-file-size',
  ])
})
