import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandProcess, flatfhir, type CommandSetting } from './command-process.ts'

/** A key pair and the client that is registered with it. */
export interface TestClient {
  readonly clientId: string
  readonly keyFile: string
}

/** Runs a command that has to succeed. @returns its stdout. */
export async function succeed(args: readonly string[], setting?: CommandSetting): Promise<string> {
  const { code, out, err } = await flatfhir(args, setting)
  if (code !== 0) throw new Error(`flatfhir ${args.join(' ')} exited with ${String(code)}: ${err}`)
  return out
}

/** Makes a data directory with a small synthetic population. */
export async function makeData(directory: string, patients: number): Promise<string> {
  const data = join(directory, 'data')
  const population = join(directory, 'in')
  await succeed(['synth', '--patients', String(patients), '--seed', '3', '--out', population])
  await succeed(['import', population, '--data', data])
  return data
}

/** Makes keys and registers a client with them. */
export async function addClient(
  data: string,
  name: string,
  registration: readonly string[] = ['--scope', 'system/*.rs', '--group', '*'],
): Promise<TestClient> {
  const keyFile = join(data, '..', `${name}.keys.json`)
  const jwks = join(data, '..', `${name}.jwks.json`)
  await succeed(['keys', 'create', keyFile, '--jwks-out', jwks])
  const out = await succeed([
    ...['clients', 'add', '--name', name, '--jwks', jwks],
    ...[...registration, '--data', data, '--json'],
  ])
  const { client_id: clientId } = JSON.parse(out) as { client_id: string }
  return { clientId, keyFile }
}

/** Flags that log in. */
export function loginOf({ clientId, keyFile }: TestClient): readonly string[] {
  return ['--client-id', clientId, '--key', keyFile]
}

/** A server that runs. */
export interface TestServer extends AsyncDisposable {
  readonly command: CommandProcess
  readonly fhirBaseUrl: string
}

/** Starts `flatfhir serve`, on a free port. */
export async function serve(data: string, args: readonly string[] = []): Promise<TestServer> {
  const command = new CommandProcess([
    ...['serve', '--data', data, '--port', '0', '--log-level', 'info'],
    ...args,
  ])
  const [, fhirBaseUrl = ''] = await command.written(/serving (\S+)/)
  return { command, fhirBaseUrl, [Symbol.asyncDispose]: () => command[Symbol.asyncDispose]() }
}

/** Changes one character of a file. */
export async function corrupt(path: string, from: string, to: string): Promise<void> {
  const text = await readFile(path, 'utf8')
  if (!text.includes(from)) throw new Error(`${path} does not hold ${from}`)
  await writeFile(path, text.replace(from, to))
}
