import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Clock,
  type ExportEvent,
  type ExportOptions,
  type ExportReport,
  runExport,
} from '@flatfhir/client'
import type { MisbehavingProvider, ProviderScript } from '@flatfhir/testkit'
import { startMisbehavingProvider } from '@flatfhir/testkit'
import { onTestFinished } from 'vitest'

/** A clock whose waits take no time and move it on; it remembers them. */
export class InstantClock implements Clock {
  readonly waits: number[] = []
  #nowMs = Date.parse('2026-11-01T12:00:10Z')

  now(): Date {
    return new Date(this.#nowMs)
  }

  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.waits.push(ms)
    this.#nowMs += ms
    // Lets other work run, as a real wait would.
    await new Promise((resolve) => setImmediate(resolve))
    signal?.throwIfAborted()
  }
}

/** A file of resources with text that is more than one byte per character. */
export function ndjson(type: string, count: number): string {
  let text = ''
  for (let index = 0; index < count; index += 1) {
    text += `{"resourceType":"${type}","id":"${index}","text":"Zoë 患者 😀 1.50 ${index * 7919}"}\n`
  }
  return text
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** A folder that is gone when the test is. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'flatfhir-client-'))
  onTestFinished(async () => rm(path, { recursive: true, force: true }))
  return path
}

/** A provider that is gone when the test is. */
export async function startProvider(script?: ProviderScript): Promise<MisbehavingProvider> {
  const provider = await startMisbehavingProvider(script)
  onTestFinished(async () => provider.close())
  return provider
}

export interface ExportRunResult {
  readonly report: ExportReport
  readonly events: readonly ExportEvent[]
  readonly directory: string
  readonly clock: InstantClock
}

/** Runs a system export from a provider into a new folder. */
export async function exportFrom(
  provider: Pick<MisbehavingProvider, 'url'>,
  options: Partial<ExportOptions> = {},
): Promise<ExportRunResult> {
  const clock = new InstantClock()
  const events: ExportEvent[] = []
  const directory = options.directory ?? (await temporaryDirectory())
  const report = await runExport({
    url: provider.url,
    level: 'system',
    clock,
    random: () => 0.5,
    verificationThreads: 1,
    edition: 'stu2',
    profile: 'generic',
    onEvent: (event) => events.push(event),
    ...options,
    directory,
  })
  return { report, events, directory, clock }
}

/** The error that a run ends with. */
export async function failureOf(
  provider: Pick<MisbehavingProvider, 'url'>,
  options: Partial<ExportOptions> = {},
): Promise<Error & { readonly code?: string; readonly nextStep?: string }> {
  try {
    await exportFrom(provider, options)
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('The export should have failed')
}

/** Journal, lock, log and receipt: every folder has them. */
const BOOKKEEPING = /^(?:\.flatfhir\/.*|log\.ndjson|receipt\.json)$/

/** All files of the export under a folder, sorted, with `/`. */
export async function filesIn(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter((name) => !BOOKKEEPING.test(name))
    .sort()
}

/** The events of one type. */
export function eventsOf<Type extends ExportEvent['type']>(
  events: readonly ExportEvent[],
  type: Type,
): readonly Extract<ExportEvent, { type: Type }>[] {
  return events.filter((event): event is Extract<ExportEvent, { type: Type }> => {
    return event.type === type
  })
}
