import { send, type Received } from './send.ts'
import { eventually, FHIR, type TestProvider } from './test-provider.ts'

export type Json = Readonly<Record<string, unknown>>

export interface ManifestEntry {
  readonly type?: string
  readonly url: string
  readonly count?: number
  readonly fileSize?: number
  readonly continuesInFile?: string
  readonly extension?: unknown
}

export interface WireManifest {
  readonly transactionTime: string
  readonly output: readonly ManifestEntry[]
  readonly deleted?: readonly ManifestEntry[]
  readonly error?: readonly ManifestEntry[]
  readonly outcome?: readonly ManifestEntry[]
  readonly link?: readonly { readonly relation: string; readonly url: string }[]
  readonly [name: string]: unknown
}

/** A complete export, read back. */
export interface ReadExport {
  readonly manifest: WireManifest
  /** Text of each output file. */
  readonly files: readonly string[]
  /** Sorted `Type/id` of all output. */
  readonly names: readonly string[]
  readonly lines: readonly Json[]
  /** Diagnostics of all OperationOutcomes. */
  readonly outcomes: readonly string[]
}

export interface KickOff {
  /** Below the FHIR base. */
  readonly path: string
  /** Sent as a Parameters resource, by POST. */
  readonly body?: readonly Json[]
  readonly prefer?: string
  readonly headers?: Readonly<Record<string, string>>
}

export async function kickOff(
  provider: TestProvider,
  { path, body, prefer, headers = {} }: KickOff,
): Promise<Received> {
  const prefers = ['respond-async', ...(prefer === undefined ? [] : [prefer])].join(', ')
  const common = { prefer: prefers, ...headers }
  if (body === undefined) return await provider.request(path, { headers: common })
  return await provider.request(path, {
    method: 'POST',
    headers: { ...common, ...FHIR },
    body: JSON.stringify({ resourceType: 'Parameters', parameter: body }),
  })
}

/** Kicks off, waits and reads every file. */
export async function exportAll(provider: TestProvider, input: KickOff): Promise<ReadExport> {
  const accepted = await kickOff(provider, input)
  if (accepted.status !== 202) {
    throw new Error(`Kick-off answered ${accepted.status}: ${accepted.body.toString()}`)
  }
  const status = await finished(provider, accepted, input.headers)
  return await readExport(provider, status.json() as WireManifest, input.headers)
}

export async function finished(
  provider: TestProvider,
  accepted: Received,
  headers: KickOff['headers'] = {},
): Promise<Received> {
  const path = new URL(accepted.headers['content-location'] ?? '').pathname
  return await eventually(async () => {
    const status = await send(provider.port, { path, headers })
    return status.status === 202 ? undefined : status
  })
}

export async function readExport(
  provider: TestProvider,
  manifest: WireManifest,
  headers: KickOff['headers'] = {},
): Promise<ReadExport> {
  const textOf = async ({ url }: ManifestEntry): Promise<string> => {
    const { pathname } = new URL(url)
    const file = await send(provider.port, { path: pathname, headers })
    if (file.status !== 200) throw new Error(`A file answered ${file.status}`)
    return file.body.toString()
  }
  const files = await Promise.all(manifest.output.map(textOf))
  const reports = await Promise.all([...(manifest.error ?? manifest.outcome ?? [])].map(textOf))
  const lines = files.flatMap(linesOf)
  return {
    manifest,
    files,
    lines,
    names: lines
      .filter(({ id }) => id !== undefined)
      .map(nameOf)
      .sort(),
    outcomes: reports.flatMap(linesOf).map(diagnosticsOf),
  }
}

export function linesOf(text: string): readonly Json[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Json)
}

export function nameOf({ resourceType, id }: Json): string {
  return `${String(resourceType)}/${String(id)}`
}

function diagnosticsOf(outcome: Json): string {
  const [issue] = outcome['issue'] as readonly { readonly diagnostics: string }[]
  return issue?.diagnostics ?? ''
}

/** What an answer's OperationOutcome says. */
export function refusalOf(received: Received): string {
  return diagnosticsOf(received.json())
}

/** Writes resources, as they are, in one transaction of the store. */
export async function fill(provider: TestProvider, resources: readonly Json[]): Promise<void> {
  const results = await provider.resources.write(
    resources.map((resource) => ({
      ...{ kind: 'update', type: resource['resourceType'], id: resource['id'] },
      body: Buffer.from(JSON.stringify(resource)),
    })) as Parameters<TestProvider['resources']['write']>[0],
  )
  const bad = results.find(({ state }) => state !== 'created' && state !== 'updated')
  if (bad !== undefined) throw new Error(`A resource is ${bad.state}`)
}

export function query(pairs: readonly (readonly [string, string])[]): string {
  return new URLSearchParams(
    pairs.map(([name, value]): [string, string] => [name, value]),
  ).toString()
}
