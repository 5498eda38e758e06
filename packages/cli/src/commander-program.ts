import { Argument, Command as Commander, CommanderError, Option } from 'commander'
import type { Command } from './commands/command.ts'
import { COMMAND_GROUPS, COMMANDS } from './commands/registry.ts'
import { UsageError } from './errors.ts'
import { GLOBAL_OPTIONS } from './options/global-options.ts'
import {
  flagOf,
  variableOf,
  type AnyOptionTable,
  type OptionDefinition,
} from './options/option-table.ts'

/** What the command line says. */
export type ParsedCommandLine =
  | { readonly kind: 'command'; readonly command: Command; readonly flags: RawFlags }
  /** `--help` or `--version`: print and be done. */
  | { readonly kind: 'text'; readonly text: string }

/** Values of flags and arguments as they were written, by the options' names. */
export type RawFlags = Readonly<Record<string, unknown>>

/**
 * Reads the command line, without the program's own name.
 *
 * @throws `UsageError` for anything that is no command, flag or argument.
 */
export function parseCommandLine(
  argv: readonly string[],
  { version, columns }: ProgramTexts,
): ParsedCommandLine {
  const written: string[] = []
  let parsed: ParsedCommandLine | undefined
  const program = makeProgram(version)
  program.configureOutput({
    writeOut: (text) => written.push(text),
    writeErr: () => undefined,
    getOutHelpWidth: () => columns,
  })
  for (const command of commandsFor(argv)) {
    addCommand(program, command, (flags) => {
      parsed = { kind: 'command', command, flags }
    })
  }
  try {
    program.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { kind: 'text', text: written.join('') }
    throw usageError(error, argv)
  }
  return parsed ?? { kind: 'text', text: written.join('') }
}

/**
 * The parser knows no command that is also a group of others. Of `export` and `export start` it gets
 * those that the line is about.
 */
function commandsFor([first = '', second = '']: readonly string[]): readonly Command[] {
  const isStep = COMMANDS.some(({ name }) => name === `${first} ${second}`)
  return COMMANDS.filter(({ name }) => {
    if (isStep) return name !== first
    const [group = ''] = name.split(' ')
    return name === group || !COMMANDS.some((other) => other.name === group)
  })
}

/** What the help needs to know. */
export interface ProgramTexts {
  readonly version: string
  /** Width of the help, in characters. */
  readonly columns: number
}

const MORE_HELP = `
Every flag is also an environment variable (--max-file-size: FLATFHIR_MAX_FILE_SIZE) and a key of
the config file (flatfhir.toml, or --config FILE). A flag beats a variable, which beats the file.

Start here:
  flatfhir demo               see it all on made-up data
  flatfhir help export        what a command does, with examples`

function makeProgram(version: string): Commander {
  return (
    new Commander('flatfhir')
      .description("Moves health data in bulk, by HL7's FHIR Bulk Data Access IG.")
      .version(version, '--version', 'Print the version')
      .helpOption('-h, --help', 'Print help')
      .helpCommand('help [command]', 'Print help about a command')
      .exitOverride()
      // Descriptions say everything already.
      .configureHelp({ optionDescription: ({ description }) => description })
      .addHelpText('after', MORE_HELP)
  )
}

function addCommand(
  program: Commander,
  command: Command,
  onCommand: (flags: RawFlags) => void,
): void {
  const table: AnyOptionTable = { ...command.options, ...GLOBAL_OPTIONS }
  const [last = command.name, group] = command.name.split(' ').reverse()
  const child = (group === undefined ? program : groupOf(program, group))
    .command(last)
    .summary(command.summary)
    .description(command.description)
    .addHelpOption(new Option('-h, --help', 'Print help').helpGroup(GLOBAL_OPTIONS.config.group))
    .addHelpText('after', stepsText(command) + variablesText(command) + examplesText(command))
  const argumentNames: string[] = []
  for (const [name, option] of Object.entries(table)) {
    if (option.secret === true) continue
    if (option.argument === true) {
      argumentNames.push(name)
      child.addArgument(argumentOf(option))
    } else for (const made of optionsOf(name, option)) child.addOption(made)
  }
  child.action(() => {
    onCommand(rawFlags(table, child, argumentNames))
  })
}

/** `keys` of `keys create`: a command that only holds others. */
function groupOf(program: Commander, name: string): Commander {
  const made = program.commands.find((command) => command.name() === name)
  if (made !== undefined) return made
  const summary = COMMAND_GROUPS[name] ?? ''
  return program
    .command(name)
    .summary(summary)
    .description(`${summary}.`)
    .helpOption('-h, --help', 'Print help')
    .helpCommand(false)
}

/** The commands that begin with the name of another. */
function stepsText({ name }: Command): string {
  const steps = COMMANDS.filter((other) => other.name.startsWith(`${name} `))
  if (steps.length === 0) return ''
  const width = Math.max(...steps.map((step) => step.name.length))
  return [
    '',
    'Commands:',
    ...steps.map((step) => `  ${step.name.padEnd(width)}  ${step.summary}`),
    '',
  ].join('\n')
}

/** Secrets have no flag, so that the list of flags does not show them. */
function variablesText({ options }: Command): string {
  const secrets = Object.entries(options).filter(([, option]) => option.secret === true)
  if (secrets.length === 0) return ''
  return [
    '',
    'Environment variables for secrets:',
    ...secrets.flatMap(([name, { description }]) => [
      `  ${variableOf(name)}`,
      `      ${description}`,
    ]),
    '',
  ].join('\n')
}

function examplesText({ examples }: Command): string {
  return [
    '',
    'Examples:',
    ...examples.flatMap(({ line, does }) => [`  ${line}`, `      ${does}`]),
  ].join('\n')
}

/** Optional for the parser: the environment or the config file may name it. */
function argumentOf(option: OptionDefinition<unknown>): Argument {
  const placeholder = option.type.placeholder ?? 'VALUE'
  return new Argument(
    option.type.repeatable ? `[${placeholder}...]` : `[${placeholder}]`,
    option.description,
  )
}

function optionsOf(name: string, option: OptionDefinition<unknown>): readonly Option[] {
  const { placeholder, isValueOptional } = option.type
  const [open, close] = isValueOptional === true ? ['[', ']'] : ['<', '>']
  const value = placeholder === undefined ? '' : ` ${open}${placeholder}${close}`
  const visible = new Option(`${flagOf(name)}${value}`, descriptionOf(option)).helpGroup(
    option.group,
  )
  const hidden = [
    ...(option.aliases ?? []).map((alias) => `${alias}${value}`),
    // Turns off what the environment or the config file has turned on.
    ...(placeholder === undefined || isValueOptional === true
      ? [`--no-${flagOf(name).slice(2)}`]
      : []),
  ].map((flags) => new Option(flags).hideHelp())
  return [visible, ...hidden].map((made) =>
    option.type.repeatable && !made.negate ? repeatable(made) : made,
  )
}

function repeatable(option: Option): Option {
  if (option.optional) option.preset(true)
  return option.argParser<unknown>((value, before) => [
    ...(Array.isArray(before) ? (before as readonly unknown[]) : []),
    value,
  ])
}

function descriptionOf(option: OptionDefinition<unknown>): string {
  if (option.required === true) return `${option.description} (required)`
  if (option.defaultText !== undefined)
    return `${option.description} (default: ${option.defaultText.replaceAll('`', '')})`
  const fallback = option.default
  return fallback === undefined || fallback === false
    ? option.description
    : `${option.description} (default: ${option.type.format(fallback)})`
}

function rawFlags(
  table: AnyOptionTable,
  child: Commander,
  argumentNames: readonly string[],
): RawFlags {
  const values: Readonly<Record<string, unknown>> = child.opts()
  const flags: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(table)) {
    if (option.argument === true || option.secret === true) continue
    const aliases = (option.aliases ?? []).map((alias) => alias.slice(2))
    // The parser keeps `--type-filter` and `--typeFilter` under one name.
    const given = [...new Set([name, ...aliases])]
      .map((spelling) => values[spelling])
      .filter((value) => value !== undefined)
    if (given.length > 1 && !option.type.repeatable) {
      throw new UsageError(
        `${flagOf(name)} and ${option.aliases?.join(', ') ?? ''} are the same flag`,
      )
    }
    if (given.length > 0) flags[name] = option.type.repeatable ? given.flat() : given[0]
  }
  argumentNames.forEach((name, index) => {
    const value: unknown = child.processedArgs[index]
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) flags[name] = value
  })
  return flags
}

function usageError(error: CommanderError, argv: readonly string[]): UsageError {
  const help = `${['flatfhir', ...commandWords(argv)].join(' ')} --help`
  if (error.code === 'commander.help') return new UsageError('Name a command', `See ${help}.`)
  // Of `--flag=value` the value is dropped, which may be a secret that has no flag.
  const [problem = '', suggestion = ''] = error.message
    .replace(/^error: /, '')
    .replace(/^(unknown option '[^'=]*)=[^]*'/, "$1'")
    .split('\n')
  const sentence = problem.charAt(0).toUpperCase() + problem.slice(1)
  return new UsageError(sentence, `${suggestion.replace(/^\(|\)$/g, '')} See ${help}.`.trim())
}

/** The words at the beginning of the line that name a command, or a group of them. */
function commandWords(argv: readonly string[]): readonly string[] {
  const [first = '', second = ''] = argv
  const names = COMMANDS.map(({ name }) => name)
  if (names.includes(`${first} ${second}`)) return [first, second]
  return names.includes(first) || Object.hasOwn(COMMAND_GROUPS, first) ? [first] : []
}
