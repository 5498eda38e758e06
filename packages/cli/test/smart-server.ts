import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCli } from '../src/run-cli.ts'
import { bufferIo } from './buffer-io.ts'
import { CommandProcess } from './command-process.ts'

/** A key pair and the client that is registered with it. */
export interface TestClient {
  readonly clientId: string
  readonly keyFile: string
}

/** Runs a command that has to succeed, in this process, which is quicker. @returns its stdout. */
export async function succeed(args: readonly string[]): Promise<string> {
  const io = bufferIo()
  const code = await runCli(args, io)
  if (code !== 0) throw new Error(`flatfhir ${args.join(' ')} exited with ${code}: ${io.err()}`)
  return io.out()
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

/** Starts `flatfhir serve`, on a free port; small exports are done at once. */
export async function serve(data: string, args: readonly string[] = []): Promise<TestServer> {
  const command = new CommandProcess([
    ...['serve', '--data', data, '--port', '0'],
    ...(args.includes('--minimum-in-progress') ? args : ['--minimum-in-progress', '0', ...args]),
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
