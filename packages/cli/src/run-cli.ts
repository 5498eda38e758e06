import { readFile } from 'node:fs/promises'
import { BulkDataError } from '@flatfhir/protocol'
import type { CommandIo, TextOutput } from './command-io.ts'
import { parseCommandLine, type RawFlags } from './commander-program.ts'
import type { Command, CommandContext } from './commands/command.ts'
import { configFileTables } from './commands/registry.ts'
import { StoppedBySignalError } from './errors.ts'
import {
  EXIT_COMPLETE,
  EXIT_FAILED,
  EXIT_INTERRUPTED,
  EXIT_TERMINATED,
  EXIT_USAGE,
} from './exit-codes.ts'
import { configFileLayer, readConfigFile } from './options/config-file.ts'
import { GLOBAL_OPTIONS, type GlobalOptions } from './options/global-options.ts'
import { mergeOptions, type OptionLayers } from './options/merge-options.ts'
import { errorFields, formatError } from './output/format-error.ts'
import { outputWidth } from './output/output-width.ts'
import { startProgress, type ProgressMode } from './output/progress.ts'
import { styleFor } from './output/style.ts'

/** Errors that say that the command was called with something that it cannot work with. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'USAGE',
  'CONFIG_FILE_INVALID',
  'CONNECTION_INVALID',
  'CONNECTION_EXISTS',
  'BASE_URL_INVALID',
  'BASE_URL_REQUIRED',
  'EXPORT_OPTIONS_INVALID',
  'LOGIN_SETTING_INVALID',
  'OPEN_SERVER_NOT_LOOPBACK',
  'PATIENT_FILE',
  'PLAIN_HTTP_NOT_LOOPBACK',
  'POPULATION_OPTION_INVALID',
])

/**
 * Runs one command line. Never ends the process, never throws: what went wrong is on `io.stderr` and
 * in the exit code.
 *
 * @param argv - Arguments after the program's name.
 * @returns the exit code.
 */
export async function runCli(argv: readonly string[], io: CommandIo): Promise<number> {
  try {
    const parsed = parseCommandLine(argv, {
      version: await readVersion(),
      columns: Math.min(outputWidth(io.stdout, 100), 100),
    })
    if (parsed.kind === 'text') {
      io.stdout.write(parsed.text)
      return EXIT_COMPLETE
    }
    return await runCommand(parsed.command, parsed.flags, io)
  } catch (error) {
    const verbose = argv.includes('--verbose') || io.env['FLATFHIR_VERBOSE'] === 'true'
    return reportFailure(error, io, { verbose, json: argv.includes('--json') })
  }
}

async function runCommand(command: Command, flags: RawFlags, io: CommandIo): Promise<number> {
  const layers = await readLayers(command, flags, io)
  const options = mergeOptions(GLOBAL_OPTIONS, layers)
  const run = command.prepare(layers)
  const context = makeContext(options, io)
  try {
    io.signal.throwIfAborted()
    return await run(context)
  } catch (error) {
    context.progress.clear()
    return reportFailure(error, io, options)
  } finally {
    context.progress.clear()
  }
}

async function readLayers(command: Command, flags: RawFlags, io: CommandIo): Promise<OptionLayers> {
  const own: OptionLayers = { flags, environment: io.env }
  const { config } = mergeOptions({ config: GLOBAL_OPTIONS.config }, own)
  const file = await readConfigFile(config, io.cwd)
  return {
    ...own,
    file: file === undefined ? undefined : configFileLayer(file, command.name, configFileTables()),
  }
}

function makeContext(options: GlobalOptions, io: CommandIo): CommandContext {
  const progress = startProgress({ output: io.stderr, mode: progressMode(options, io) })
  const writeLine = (output: TextOutput, line: string): void => {
    progress.clear()
    output.write(`${line}\n`)
  }
  return {
    io,
    options,
    progress,
    style: styleFor(io.stdout, io.env),
    print: (line) => {
      writeLine(io.stdout, line)
    },
    warn: (line) => {
      writeLine(io.stderr, line)
    },
  }
}

function progressMode(options: GlobalOptions, io: CommandIo): ProgressMode {
  if (options.quiet) return 'quiet'
  if (options.json) return 'json'
  return io.stderr.isTTY === true && io.env['TERM'] !== 'dumb' ? 'terminal' : 'lines'
}

function reportFailure(
  error: unknown,
  io: CommandIo,
  { verbose, json }: { readonly verbose: boolean; readonly json: boolean },
): number {
  const stopped = io.signal.aborted ? (io.signal.reason as unknown) : undefined
  if (stopped instanceof StoppedBySignalError) {
    io.stderr.write(`flatfhir: ${stopped.message}.\n`)
    return stopped.signalName === 'SIGINT' ? EXIT_INTERRUPTED : EXIT_TERMINATED
  }
  if (json) io.stdout.write(`${JSON.stringify({ error: errorFields(error) })}\n`)
  io.stderr.write(formatError(error, { verbose }))
  return BulkDataError.is(error) && USAGE_CODES.has(error.code) ? EXIT_USAGE : EXIT_FAILED
}

async function readVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(
    await readFile(new URL('../package.json', import.meta.url), 'utf8'),
  )
  return typeof manifest === 'object' &&
    manifest !== null &&
    'version' in manifest &&
    typeof manifest.version === 'string'
    ? manifest.version
    : 'unknown'
}
