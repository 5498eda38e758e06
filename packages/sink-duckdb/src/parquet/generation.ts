import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import {
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ParquetDirectoryRefusedError } from './errors.ts'
import {
  MANIFEST_NAME,
  PARQUET_MANIFEST_VERSION,
  readParquetManifest,
  type ParquetFile,
  type ParquetManifest,
  type ParquetPartition,
} from './manifest.ts'

const GENERATIONS = '.generations'
const CURRENT = 'current'
/** `_flatfhir` is where a sync keeps the warehouse of a dataset that has none elsewhere. */
const OURS: ReadonlySet<string> = new Set([
  GENERATIONS,
  CURRENT,
  MANIFEST_NAME,
  'README.txt',
  '_flatfhir',
])
/** A database that is nothing but a lock and a place to sort. */
const WRITER = '.writer.duckdb'
const HASH_CHUNK_BYTES = 1024 * 1024
const README = `A dataset of FHIR resources in Parquet, partitioned by resource_type.
Read the folder "current", such as current/resource_type=Patient/*.parquet: it always is one complete
state. The files lie in ".generations"; "_manifest.json" lists them.
`

/** Path of the database that whoever writes to a dataset holds open, so that nobody else does. */
export function writerPath(directory: string): string {
  return join(directory, WRITER)
}

/** What is said about a new state of a dataset. */
export interface GenerationFacts {
  readonly run: string
  readonly source: string | undefined
  readonly partitions: readonly ParquetPartition[]
  readonly now: Date
}

/**
 * A state of a dataset while it is written. Nobody sees anything of it until {@link publish}, which
 * lets the link `current` point to it: one rename, so readers of `current` see the old state or the
 * new one. A process that is killed leaves a folder behind, which the next {@link begin} removes.
 */
export class Generation {
  readonly name: string
  /** Where its files are written. */
  readonly folder: string
  readonly previous: ParquetManifest | undefined
  readonly #directory: string

  private constructor(directory: string, previous: ParquetManifest | undefined) {
    this.name = randomBytes(8).toString('hex')
    this.folder = join(directory, GENERATIONS, this.name)
    this.previous = previous
    this.#directory = directory
  }

  /**
   * @throws {@link ParquetDirectoryRefusedError} when the directory holds anything but a dataset of the
   *   same source.
   */
  static async begin(directory: string, source: string | undefined): Promise<Generation> {
    const previous = await checkParquetDirectory(directory, source)
    const generation = new Generation(directory, previous)
    await removeLeftovers(directory)
    await mkdir(generation.folder, { recursive: true })
    return generation
  }

  /** Makes the folder of a type. @returns its path. */
  async makePartition(type: string): Promise<string> {
    const folder = join(this.folder, `resource_type=${type}`)
    await mkdir(folder, { recursive: true })
    return folder
  }

  /** Flushes a written file and takes its measure. `rows` is the writer's to know. */
  async seal(path: string, rows: number): Promise<ParquetFile> {
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of createReadStream(path, { highWaterMark: HASH_CHUNK_BYTES })) {
      const buffer = chunk as Buffer
      hash.update(buffer)
      bytes += buffer.length
    }
    await flush(path)
    const relative = `${basename(dirname(path))}/${basename(path)}`
    return { path: relative, rows, bytes, sha256: hash.digest('hex') }
  }

  /** Takes over a type of the previous state; nothing is copied where the disk can link. */
  async keep(partition: ParquetPartition): Promise<void> {
    await this.makePartition(partition.type)
    for (const { path } of partition.files) {
      const from = join(this.#directory, CURRENT, path)
      const to = join(this.folder, path)
      await link(from, to).catch(async () => {
        await copyFile(from, to)
        await flush(to)
      })
    }
  }

  /** Lets everybody see it, and removes the state before: readers that have its files open keep them. */
  async publish(facts: GenerationFacts): Promise<ParquetManifest> {
    const manifest = this.#manifest(facts)
    const path = join(this.folder, MANIFEST_NAME)
    await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`, { flush: true })
    for (const { type } of facts.partitions) await flush(join(this.folder, `resource_type=${type}`))
    await flush(this.folder)
    await flush(join(this.#directory, GENERATIONS))
    await this.#ensureGuides()
    await replaceLink(join(this.#directory, CURRENT), `${GENERATIONS}/${this.name}`)
    await flush(this.#directory)
    await removeLeftovers(this.#directory)
    return manifest
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  #manifest({ run, source, partitions, now }: GenerationFacts): ParquetManifest {
    const { previous } = this
    return {
      format: 'flatfhir-parquet',
      manifestVersion: PARQUET_MANIFEST_VERSION,
      generation: this.name,
      createdAt: now.toISOString(),
      run,
      ...(source !== undefined && { source }),
      ...(previous && { previous: { generation: previous.generation, run: previous.run } }),
      partitions: [...partitions].sort((one, other) => (one.type < other.type ? -1 : 1)),
    }
  }

  /** The manifest changes together with `current`, because it is found through it. */
  async #ensureGuides(): Promise<void> {
    await writeFile(join(this.#directory, 'README.txt'), README)
    await replaceLink(join(this.#directory, MANIFEST_NAME), `${CURRENT}/${MANIFEST_NAME}`)
  }
}

/**
 * Looks whether a directory may be written to.
 *
 * @returns the manifest of the dataset that is there.
 * @throws {@link ParquetDirectoryRefusedError} when it holds anything but a dataset of the same source.
 */
export async function checkParquetDirectory(
  directory: string,
  source: string | undefined,
): Promise<ParquetManifest | undefined> {
  await mkdir(directory, { recursive: true })
  const names = await readdir(directory)
  if (!names.every(isOurs)) throw new ParquetDirectoryRefusedError(directory, 'foreign-files')
  const manifest = await readParquetManifest(directory)
  if (manifest !== undefined && manifest.source !== source) {
    throw new ParquetDirectoryRefusedError(directory, 'another-source')
  }
  return manifest
}

function isOurs(name: string): boolean {
  return OURS.has(name) || name.startsWith(`.${CURRENT}-`) || name.startsWith(WRITER)
}

async function replaceLink(path: string, target: string): Promise<void> {
  if ((await readlink(path).catch(() => undefined)) === target) return
  const temporary = join(dirname(path), `.${CURRENT}-${randomBytes(4).toString('hex')}`)
  await symlink(target, temporary)
  await rename(temporary, path)
}

/** Removes what `current` does not point to. */
async function removeLeftovers(directory: string): Promise<void> {
  const target = await readlink(join(directory, CURRENT)).catch(() => undefined)
  const current = target === undefined ? undefined : basename(target)
  const generations = await readdir(join(directory, GENERATIONS)).catch(() => [])
  for (const name of generations) {
    if (name === current) continue
    await rm(join(directory, GENERATIONS, name), { recursive: true, force: true })
  }
  for (const name of await readdir(directory)) {
    if (name.startsWith(`.${CURRENT}-`)) await rm(join(directory, name), { force: true })
  }
}

/** A file or a directory. */
async function flush(path: string): Promise<void> {
  const file = await open(path)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
