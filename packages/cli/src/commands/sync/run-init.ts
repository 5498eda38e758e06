import { open } from 'node:fs/promises'
import { dirname, extname, relative, resolve, sep } from 'node:path'
import {
  connectionJson,
  connectionToml,
  type ConnectionValues,
} from '../../connection/connection-text.ts'
import { ConnectionExistsError } from '../../connection/errors.ts'
import { parseConnection } from '../../connection/read-connection.ts'
import { UsageError } from '../../errors.ts'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import { commandName } from '../../output/command-name.ts'
import type { CommandContext } from '../command.ts'
import type { SyncInitOptions } from './init-command.ts'

/** Runs `flatfhir sync init`. @returns the exit code. */
export async function runSyncInit(
  options: SyncInitOptions,
  context: CommandContext,
): Promise<number> {
  const { connection: name } = options
  const path = resolve(context.io.cwd, name)
  const values = connectionValues(options, path, context.io.cwd)
  const text = isJson(name) ? connectionJson(values) : connectionToml(values)
  // What the commands would refuse is not written.
  const connection = parseConnection(text, { name, cwd: context.io.cwd })
  await writeNew(path, name, text)
  if (context.options.json) {
    context.print(JSON.stringify({ connection: path, level: connection.data.level }))
    return EXIT_COMPLETE
  }
  const command = commandName(context.io.env)
  context.print(`wrote ${name}; look it through, then: ${command} sync run ${name}`)
  return EXIT_COMPLETE
}

function connectionValues(options: SyncInitOptions, path: string, cwd: string): ConnectionValues {
  const { url, type, clientId, schedule, duckdb, parquet } = options
  const fromFile = (named: string | undefined): string | undefined =>
    named === undefined ? undefined : pathFrom(dirname(path), resolve(cwd, named))
  const database = duckdb ?? (parquet === undefined ? `${stemOf(path)}.duckdb` : undefined)
  return {
    source: { url },
    login: { clientId, key: fromFile(options.key) },
    data: { ...levelOf(options), types: type },
    sinks: { duckdb: fromFile(database), parquet: fromFile(parquet) },
    sync: { schedule },
  }
}

function levelOf({ system, patient, group }: SyncInitOptions): Readonly<Record<string, unknown>> {
  if (group !== undefined) return { level: 'group', groups: group }
  if (patient === 'all') return { level: 'patient' }
  if (patient !== undefined && patient.length > 0) {
    throw new UsageError(
      '--patient takes no ids here',
      'A connection follows all patients, or Groups: name --group ID.',
    )
  }
  if (system === true) return { level: 'system' }
  throw new UsageError('What to keep in step is missing', 'Name --system, --patient or --group ID.')
}

function stemOf(path: string): string {
  return path.slice(0, path.length - extname(path).length)
}

function isJson(name: string): boolean {
  return extname(name).toLowerCase() === '.json'
}

/** Relative, so that the file and what it names can be moved together. */
function pathFrom(directory: string, path: string): string {
  const short = relative(directory, path)
  return (short === '' ? '.' : short).split(sep).join('/')
}

async function writeNew(path: string, name: string, text: string): Promise<void> {
  try {
    await using file = await open(path, 'wx')
    await file.writeFile(text)
    await file.sync()
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    throw exists ? new ConnectionExistsError(name) : error
  }
}
