import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'

interface Holder {
  readonly pid: number
  readonly host: string
  /** What the system says about when the process was started; tells a reused pid apart. */
  readonly started: string
  readonly token: string
}

const HEARTBEAT_MS = 5_000
/** A lock of another machine whose file was not touched for so long is nobody's any more. */
const ABANDONED_MS = 60_000
/** Taking a dead process's lock away is done in no time; who takes longer has died over it. */
const TAKE_OVER_MS = 10_000

/**
 * Keeps a second process out of a folder. The lock of a process that was killed holds nobody up.
 */
export class RunLock implements AsyncDisposable {
  readonly #path: string
  readonly #token: string
  readonly #heartbeat: NodeJS.Timeout

  private constructor(path: string, token: string) {
    this.#path = path
    this.#token = token
    this.#heartbeat = setInterval(() => {
      const now = new Date()
      utimes(path, now, now).catch(() => undefined)
    }, HEARTBEAT_MS)
    this.#heartbeat.unref()
  }

  /** @returns `undefined` when another process holds the lock. */
  static async take(path: string): Promise<RunLock | undefined> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const token = randomUUID()
    const started = (await startOf(process.pid)) ?? ''
    const own: Holder = { pid: process.pid, host: hostname(), started, token }
    const draft = `${path}.${token}`
    await writeFile(draft, JSON.stringify(own), { flag: 'wx', mode: 0o600 })
    try {
      // A link appears with its content, while a file that is created is empty for a moment.
      if (await linked(draft, path)) return new RunLock(path, token)
      return (await takeOver(draft, path)) ? new RunLock(path, token) : undefined
    } finally {
      await rm(draft, { force: true })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeat)
    const holder = await readHolder(this.#path)
    if (holder?.token === this.#token) await rm(this.#path, { force: true })
  }
}

/** Replaces the lock of a dead process; one process at a time, so that nobody replaces a living one. */
async function takeOver(draft: string, path: string): Promise<boolean> {
  if (await isHeld(path)) return false
  const guard = `${path}.take-over`
  if (!(await linked(draft, guard))) {
    if (!(await isOlderThan(guard, TAKE_OVER_MS))) return false
    await rm(guard, { force: true })
    if (!(await linked(draft, guard))) return false
  }
  try {
    if (await isHeld(path)) return false
    await rm(path, { force: true })
    return await linked(draft, path)
  } finally {
    await rm(guard, { force: true })
  }
}

async function isHeld(path: string): Promise<boolean> {
  const holder = await readHolder(path)
  if (holder === undefined) return false
  if (holder.host !== hostname()) return !(await isOlderThan(path, ABANDONED_MS))
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  const started = await startOf(holder.pid)
  return started === undefined || holder.started === '' || started === holder.started
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>
    const { pid, host, started, token } = holder
    if (typeof pid !== 'number' || typeof host !== 'string') return undefined
    return { pid, host, started: started ?? '', token: token ?? '' }
  } catch {
    return undefined
  }
}

/** Start time of a process in the system's own unit, where /proc tells. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything, also spaces and parentheses.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

async function isOlderThan(path: string, ms: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > ms
  } catch {
    return true
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}
