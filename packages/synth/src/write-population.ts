import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PopulationDirectoryNotEmptyError, PopulationWriteFailedError } from './errors.ts'
import { NdjsonFile } from './ndjson-file.ts'
import { patientResources } from './patient-resources.ts'
import { planPopulation, type PopulationOptions } from './population-plan.ts'
import { POPULATION_TYPES, type PopulationType } from './population-resource.ts'
import { groupPieces } from './resources/group.ts'
import { sharedResources } from './shared-resources.ts'
import { deriveSurroundings, type Surroundings } from './surroundings.ts'

const EXTENSION = '.ndjson'
/** What an interrupted run leaves behind: hidden, and cleared by the next run. */
const PARTIAL_FILE = /^\.[A-Za-z]+\.ndjson\.[0-9a-f-]{36}\.part$/

/** Where a population goes, beside what determines it. */
export interface WritePopulationOptions extends PopulationOptions {
  /** Is made when it is not there. */
  readonly directory: string
  /**
   * Replaces a population that the directory holds already; NDJSON files of other types stay.
   *
   * @defaultValue `false`
   */
  readonly overwrite?: boolean
  /** Ends the writing early; the promise rejects with the signal's reason, and no file appears. */
  readonly signal?: AbortSignal
  /** Is called after every patient; it should return quickly. */
  readonly onProgress?: (progress: PopulationProgress) => void
}

/** How far the writing has come. */
export interface PopulationProgress {
  /** Patients whose resources are all written. */
  readonly patients: number
  /** Patients of the whole population. */
  readonly patientCount: number
  readonly resourceCount: number
  readonly bytes: number
}

/** One file of a written population. */
export interface PopulationFile {
  readonly type: PopulationType
  readonly path: string
  readonly resourceCount: number
  readonly bytes: number
}

/** What was written. */
export interface PopulationSummary {
  /** In the order of `POPULATION_TYPES`; a type that does not occur has no file. */
  readonly files: readonly PopulationFile[]
  readonly resourceCount: number
  readonly bytes: number
}

/**
 * Writes a population as NDJSON, one file per resource type: `Patient.ndjson`, `Observation.ndjson`
 * and so on.
 *
 * Memory does not grow with the population: one buffer of 256 KiB per type, and the resources of one
 * patient. The files appear under their names all together at the end, flushed to the disk; when
 * the writing fails, is aborted or crashes, none of them is there. One directory belongs to one run at a time.
 *
 * @throws {@link PopulationOptionInvalidError} when an option is out of its range.
 * @throws {@link PopulationDirectoryNotEmptyError} when the directory holds NDJSON files and
 *   `overwrite` is not set.
 * @throws {@link PopulationWriteFailedError} when the directory or a file cannot be written.
 *
 * @example
 * ```ts
 * const { resourceCount } = await writePopulation({ patients: 100, directory: 'population' })
 * ```
 */
export async function writePopulation(options: WritePopulationOptions): Promise<PopulationSummary> {
  const plan = planPopulation(options)
  options.signal?.throwIfAborted()
  const files = new PopulationFiles(options.directory)
  try {
    await prepareDirectory(options)
    await writeResources(files, deriveSurroundings(plan), options)
    return await files.publish(options.overwrite ?? false)
  } catch (error) {
    await files.abandon()
    throw isSystemError(error) ? new PopulationWriteFailedError(options.directory, error) : error
  }
}

async function prepareDirectory(options: WritePopulationOptions): Promise<void> {
  const { directory, overwrite = false } = options
  await mkdir(directory, { recursive: true })
  const names = await readdir(directory)
  const present = names.filter((name) => name.endsWith(EXTENSION))
  if (present.length > 0 && !overwrite) {
    throw new PopulationDirectoryNotEmptyError(directory, present.length)
  }
  for (const name of names) {
    if (PARTIAL_FILE.test(name)) await rm(join(directory, name), { force: true })
  }
}

async function writeResources(
  files: PopulationFiles,
  surroundings: Surroundings,
  options: WritePopulationOptions,
): Promise<void> {
  const { signal, onProgress } = options
  for (const { type, line } of sharedResources(surroundings)) {
    const file = files.openFile(type) ?? (await files.create(type))
    if (!file.appendLine(line)) await file.flush()
  }
  const patientCount = surroundings.plan.patients
  for (let patient = 0; patient < patientCount; patient += 1) {
    signal?.throwIfAborted()
    for (const { type, line } of patientResources(surroundings, patient)) {
      const file = files.openFile(type) ?? (await files.create(type))
      if (!file.appendLine(line)) await file.flush()
    }
    onProgress?.({ patients: patient + 1, patientCount, ...files.totals() })
  }
  for (const piece of groupPieces(surroundings)) {
    const file = files.openFile('Group') ?? (await files.create('Group'))
    if (!file.appendPiece(piece)) await file.flush()
    signal?.throwIfAborted()
  }
}

interface OpenFile {
  readonly file: NdjsonFile
  readonly temporaryPath: string
  readonly path: string
}

/** The files of one run, under temporary names until they are published. */
class PopulationFiles {
  readonly #directory: string
  readonly #open = new Map<PopulationType, OpenFile>()

  constructor(directory: string) {
    this.#directory = directory
  }

  openFile(type: PopulationType): NdjsonFile | undefined {
    return this.#open.get(type)?.file
  }

  async create(type: PopulationType): Promise<NdjsonFile> {
    const path = this.#pathOf(type)
    const temporaryPath = join(this.#directory, `.${type}${EXTENSION}.${randomUUID()}.part`)
    const file = new NdjsonFile(await open(temporaryPath, 'wx'))
    this.#open.set(type, { file, temporaryPath, path })
    return file
  }

  totals(): { readonly resourceCount: number; readonly bytes: number } {
    let resourceCount = 0
    let bytes = 0
    for (const { file } of this.#open.values()) {
      resourceCount += file.resourceCount
      bytes += file.bytes
    }
    return { resourceCount, bytes }
  }

  async publish(overwrite: boolean): Promise<PopulationSummary> {
    for (const { file } of this.#open.values()) await file.close()
    const files: PopulationFile[] = []
    for (const type of POPULATION_TYPES) {
      const written = this.#open.get(type)
      if (written === undefined) {
        // An older population may have had such resources; they are none of this one's.
        if (overwrite) await rm(this.#pathOf(type), { force: true })
        continue
      }
      await rename(written.temporaryPath, written.path)
      const { resourceCount, bytes } = written.file
      files.push({ type, path: written.path, resourceCount, bytes })
    }
    await flushDirectory(this.#directory)
    return { files, ...this.totals() }
  }

  async abandon(): Promise<void> {
    for (const { file, temporaryPath } of this.#open.values()) {
      await file.abandon()
      await rm(temporaryPath, { force: true })
    }
  }

  #pathOf(type: PopulationType): string {
    return join(this.#directory, `${type}${EXTENSION}`)
  }
}

/** Makes the new names survive a power cut. */
async function flushDirectory(directory: string): Promise<void> {
  // Windows does not open directories.
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && 'syscall' in error
}
