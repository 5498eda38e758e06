import type { Command } from '../commands/command.ts'
import { COMMANDS } from '../commands/registry.ts'
import { GLOBAL_OPTIONS } from '../options/global-options.ts'
import {
  flagOf,
  keyOf,
  variableOf,
  type AnyOptionTable,
  type OptionDefinition,
} from '../options/option-table.ts'

const INTRODUCTION = `# The \`flatfhir\` command

Generated from the commands' option tables by \`node scripts/generate-reference.mjs\`; do not edit.

\`\`\`
flatfhir [command] [options]
\`\`\`

Results go to stdout; progress, problems, errors and logs go to stderr. On a terminal progress is one
line that is redrawn, otherwise a line now and then, and with \`--json\` one JSON object per line.
Nothing ever asks a question. \`NO_COLOR\` is honoured. [Exit codes](exit-codes.md) and
[errors](errors.md) have pages of their own.

## Where options come from

Every option can be written in three places. A flag beats the environment, which beats the config
file, which beats the default. Of options that exclude each other (\`--system\`, \`--patient\`,
\`--group\`), one that is written in a higher place hides those of the lower places.

- **Flag**: \`--max-file-size 1GiB\`. What a variable or the file has turned on, \`--no-…\` turns off.
- **Environment**: \`FLATFHIR_MAX_FILE_SIZE=1GiB\`; \`true\` and \`false\` for switches, commas between
  several values. An empty variable counts as not set. Secrets have a variable only, no flag and no key.
- **Config file**: \`flatfhir.toml\` in the working directory, or the file that \`--config\` (or
  \`FLATFHIR_CONFIG\`) names: TOML, or JSON where its name ends in \`.json\`. Keys at the top are for
  every command that has them; keys in a table named after a command (\`[serve]\`, \`[keys.create]\`) are for that command, and win. A
  key that no command has is an error. Relative paths are relative to the file.

\`\`\`toml
data = "data"

[serve]
port = 9090
max-file-size = "1GiB"

[export]
url = "http://127.0.0.1:9090/fhir"
system = true
\`\`\`

Sizes are bytes, or have a unit: KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024).
Durations have a unit: ms, s, m, h or d. Instants are FHIR instants with a time zone.
`

/** The reference page of the command, in Markdown. */
export function cliReference(): string {
  return [
    INTRODUCTION,
    '## Every command\n',
    optionsTable(GLOBAL_OPTIONS),
    ...COMMANDS.map(commandSection),
  ].join('\n')
}

function commandSection(command: Command): string {
  const examples = command.examples.flatMap(({ line, does }) => [`# ${does}`, line])
  return [
    `## flatfhir ${command.name}\n`,
    `${command.summary}.\n`,
    `${command.description}\n`,
    optionsTable(command.options),
    '```sh',
    ...examples,
    '```\n',
  ].join('\n')
}

function optionsTable(table: AnyOptionTable): string {
  return [
    '| flag | environment | key | default | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...Object.entries(table).map(
      ([name, option]) => `| ${optionCells(name, option).map(escapeCell).join(' | ')} |`,
    ),
    '',
  ].join('\n')
}

function optionCells(name: string, option: OptionDefinition<unknown>): readonly string[] {
  return [
    flagCell(name, option),
    `\`${variableOf(name)}\``,
    keyCell(name, option),
    defaultCell(option),
    meaningCell(option),
  ]
}

/** `--config` names the file itself, so no key of a file can; nor does a file hold secrets. */
function keyCell(name: string, { secret }: OptionDefinition<unknown>): string {
  return name === 'config' || secret === true ? '' : `\`${keyOf(name)}\``
}

function flagCell(name: string, option: OptionDefinition<unknown>): string {
  if (option.secret === true) return ''
  const { placeholder, repeatable } = option.type
  if (option.argument === true) return `\`${placeholder ?? ''}${repeatable ? '…' : ''}\` (argument)`
  const spellings = [flagOf(name), ...(option.aliases ?? [])]
  const value = placeholder === undefined ? '' : ` ${placeholder}`
  return spellings.map((spelling) => `\`${spelling}${value}\``).join(', ')
}

function defaultCell(option: OptionDefinition<unknown>): string {
  if (option.defaultText !== undefined) return option.defaultText
  if (option.default === undefined) return ''
  return `\`${option.type.format(option.default)}\``
}

function meaningCell(option: OptionDefinition<unknown>): string {
  const notes = [
    ...(option.required === true ? ['Required.'] : []),
    ...(option.exclusive === undefined ? [] : ['One of the options that exclude each other.']),
  ]
  return [`${option.description}.`, ...notes].join(' ')
}

function escapeCell(cell: string): string {
  return cell.replaceAll('|', '\\|')
}
