import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../src/commands/registry.ts'
import { GLOBAL_OPTIONS } from '../src/options/global-options.ts'
import { flagOf, keyOf, variableOf, type AnyOptionTable } from '../src/options/option-table.ts'
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

    const exitCode = await runCli([command.name, '--help'], io)

    expect(exitCode).toBe(0)
    const help = io.out()
    for (const [name, option] of Object.entries(table)) {
      expect(help).toContain(
        option.argument === true ? (option.type.placeholder ?? name) : flagOf(name),
      )
    }
    for (const { line } of command.examples) expect(help).toContain(line)
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110)
  })
})

test('one word has one type, whichever command has it', () => {
  const expected = new Map<string, string>()
  for (const { options } of COMMANDS) {
    for (const [name, { type }] of Object.entries(options)) {
      expect(expected.get(name) ?? type.expected).toBe(type.expected)
      expected.set(name, type.expected)
    }
  }
})

test('names are the same words in every place', () => {
  expect([flagOf('maxFileSize'), variableOf('maxFileSize'), keyOf('maxFileSize')]).toEqual([
    '--max-file-size',
    'FLATFHIR_MAX_FILE_SIZE',
    'max-file-size',
  ])
})
