import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { randomUUID } from 'node:crypto'
import { chmod, mkdir, open, readdir, realpath, rm, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { sqlText } from '../ndjson/sql-text.ts'
import { STORAGE_COMPATIBILITY_VERSION } from '../ndjson/storage.ts'
import { WarehouseBusyError, WarehouseNotRecognisedError, warehouseError } from '../errors.ts'

const DEFAULT_MEMORY_LIMIT_BYTES = 600_000_000
const DEFAULT_WAIT_MS = 60_000
const RETRY_MS = 100
/** Name of a database that is written, in SQL; views and tables do not hold it. */
const CATALOG = 'warehouse'
/**
 * Rows that DuckDB gathers before it compresses and writes them: a sixth of what is usual. Long texts
 * fill the memory otherwise, and are compressed by one thread at the end.
 */
const ROW_GROUP_ROWS = 20_480

/** How a DuckDB database is opened. */
export interface OpenDuckDbOptions {
  /** File of the database; made when it is missing, unless it is only read. */
  readonly path: string
  /** @defaultValue `false` */
  readonly readOnly?: boolean | undefined
  /**
   * What DuckDB may keep in memory before it writes to its temporary directory. The process needs
   * some 200 MB more.
   *
   * @defaultValue 600 MB
   */
  readonly memoryLimitBytes?: number | undefined
  /** @defaultValue as many as the machine has cores */
  readonly threads?: number | undefined
  /**
   * Where the temporary directory is made, which is removed in the end.
   *
   * @defaultValue the directory of the database
   */
  readonly temporaryDirectory?: string | undefined
  /**
   * How long to wait for whoever has the database open, in milliseconds.
   *
   * @defaultValue 60 seconds
   */
  readonly waitMs?: number | undefined
}

/** A database that is open. Disposed of, it is closed and its temporary directory removed. */
export interface DuckDb extends AsyncDisposable {
  /** Absolute, without symbolic links in its directory. */
  readonly path: string
  /** Makes a connection; times are in UTC. The caller closes it. */
  connect(): Promise<DuckDBConnection>
}

/**
 * Databases that this process has open. The operating system's locks belong to the process: it would
 * let a second instance in, and let go of the first one's lock when the second is closed.
 */
const openHere = new Set<string>()

/**
 * Opens a DuckDB database with the settings that all of this package uses: bounded memory, a private
 * temporary directory, no extensions fetched from anywhere.
 *
 * @throws {@link WarehouseBusyError} when somebody else has it open for longer than `waitMs`.
 * @throws {@link WarehouseNotRecognisedError} when the file is no DuckDB database.
 */
export async function openDuckDb(options: OpenDuckDbOptions): Promise<DuckDb> {
  const path = await resolvedPath(options)
  const temporary = temporaryPath(path, options.temporaryDirectory)
  const isNew = await isMissing(path)
  const instance = await openWhenFree(path, options, () => createInstance(path, temporary, options))
  const catalog = options.readOnly === true ? undefined : CATALOG
  const db = new OpenDatabase({ path, temporary, catalog }, instance)
  try {
    if (options.readOnly !== true) await removeLeftovers(path, temporary)
    if (isNew) await secureNewFile(path)
    return db
  } catch (error) {
    await db[Symbol.asyncDispose]()
    throw error
  }
}

class OpenDatabase implements DuckDb {
  readonly path: string
  readonly #temporary: string
  readonly #catalog: string | undefined
  #instance: DuckDBInstance | undefined

  /** @param place - `catalog` is the name of the database where it is attached to the instance. */
  constructor(
    place: { path: string; temporary: string; catalog: string | undefined },
    instance: DuckDBInstance,
  ) {
    this.path = place.path
    this.#temporary = place.temporary
    this.#catalog = place.catalog
    this.#instance = instance
  }

  async connect(): Promise<DuckDBConnection> {
    if (this.#instance === undefined) throw new TypeError('The database is closed')
    const connection = await this.#instance.connect()
    await connection.run(`SET TimeZone = 'UTC'`)
    if (this.#catalog !== undefined) await connection.run(`USE ${this.#catalog}`)
    return connection
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const instance = this.#instance
    if (instance === undefined) return
    this.#instance = undefined
    instance.closeSync()
    openHere.delete(this.path)
    await rm(this.#temporary, { recursive: true, force: true })
  }
}

async function resolvedPath({ path, readOnly }: OpenDuckDbOptions): Promise<string> {
  const absolute = resolve(path)
  const directory = dirname(absolute)
  if (readOnly !== true) await mkdir(directory, { recursive: true, mode: 0o700 })
  if (readOnly === true && (await isMissing(absolute))) {
    throw new WarehouseNotRecognisedError(path, 'not there')
  }
  return join(await realpath(directory), basename(absolute))
}

async function openWhenFree(
  path: string,
  { waitMs = DEFAULT_WAIT_MS }: OpenDuckDbOptions,
  create: () => Promise<DuckDBInstance>,
): Promise<DuckDBInstance> {
  const startMs = performance.now()
  for (;;) {
    const instance = await openIfFree(path, create)
    if (instance !== undefined) return instance
    const waitedMs = performance.now() - startMs
    if (waitedMs >= waitMs) throw new WarehouseBusyError(path, waitedMs)
    await wait(Math.min(RETRY_MS, Math.max(1, waitMs - waitedMs)))
  }
}

async function openIfFree(
  path: string,
  create: () => Promise<DuckDBInstance>,
): Promise<DuckDBInstance | undefined> {
  if (openHere.has(path)) return undefined
  openHere.add(path)
  try {
    return await create()
  } catch (error) {
    openHere.delete(path)
    const message = error instanceof Error ? error.message : ''
    if (message.includes('Could not set lock on file')) return undefined
    if (message.includes('not a valid DuckDB database')) {
      throw new WarehouseNotRecognisedError(path, 'no DuckDB database')
    }
    throw warehouseError(error, 'open the database')
  }
}

async function createInstance(
  path: string,
  temporary: string,
  options: OpenDuckDbOptions,
): Promise<DuckDBInstance> {
  const settings = settingsOf(temporary, options)
  if (options.readOnly === true) {
    return DuckDBInstance.create(path, { ...settings, access_mode: 'READ_ONLY' })
  }
  // Only a database that is attached can be told how large its row groups are.
  const instance = await DuckDBInstance.create(':memory:', settings)
  const connection = await instance.connect()
  try {
    await connection.run(`ATTACH ${sqlText(path)} AS ${CATALOG} (ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`)
    connection.closeSync()
    return instance
  } catch (error) {
    connection.closeSync()
    instance.closeSync()
    throw error
  }
}

function settingsOf(
  temporary: string,
  options: OpenDuckDbOptions,
): Readonly<Record<string, string>> {
  const memoryLimitBytes = options.memoryLimitBytes ?? DEFAULT_MEMORY_LIMIT_BYTES
  return {
    memory_limit: `${Math.max(1, Math.floor(memoryLimitBytes / 1000))}KB`,
    threads: String(options.threads ?? availableParallelism()),
    temp_directory: temporary,
    storage_compatibility_version: STORAGE_COMPATIBILITY_VERSION,
    // What is freed goes back to the system soon: it is the process that has a limit, not DuckDB alone.
    allocator_flush_threshold: '16MB',
    allocator_bulk_deallocation_flush_threshold: '64MB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  }
}

function temporaryPath(path: string, directory: string | undefined): string {
  return join(resolve(directory ?? dirname(path)), `${basename(path)}.tmp-${randomUUID()}`)
}

/** Who has the lock is alone: every other temporary directory belongs to a process that was killed. */
async function removeLeftovers(path: string, own: string): Promise<void> {
  const prefix = `${basename(path)}.tmp-`
  const directory = dirname(own)
  const names = await readdir(directory).catch((): string[] => [])
  for (const name of names.filter((each) => each.startsWith(prefix))) {
    await rm(join(directory, name), { recursive: true, force: true })
  }
  await mkdir(own, { recursive: true, mode: 0o700 })
}

/** Patient data is for the owner; and a new file has to be found again after a power cut. */
async function secureNewFile(path: string): Promise<void> {
  await chmod(path, 0o600)
  const directory = await open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function isMissing(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found === undefined
}
