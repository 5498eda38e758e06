import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../dist/bin.js', import.meta.url))
const DEADLINE_MS = 150_000

/** What a finished command left behind. */
export interface CommandResult {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** How to start a command. */
export interface CommandSetting {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** The built command, running as a process of its own. */
export class CommandProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #finished: Promise<CommandResult>
  #out = ''
  #err = ''

  constructor(args: readonly string[], { cwd, env }: CommandSetting = {}) {
    const ownVariables = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('FLATFHIR_'),
    )
    this.#child = spawn(process.execPath, [BIN, ...args], {
      cwd,
      env: { ...Object.fromEntries(ownVariables), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#out += chunk.toString()))
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#err += chunk.toString()))
    this.#finished = once(this.#child, 'close').then(([code]) => ({
      code: code as number | null,
      out: this.#out,
      err: this.#err,
    }))
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Closes the pipe that the command writes its results to. */
  stopReading(): void {
    this.#child.stdout?.destroy()
  }

  /** Waits until the command has ended by itself. */
  async finished(): Promise<CommandResult> {
    return withDeadline(this.#finished, () => `no end; ${this.#described()}`)
  }

  /** Waits until what was written on stdout and stderr matches. */
  async written(pattern: RegExp): Promise<RegExpExecArray> {
    const found = (): RegExpExecArray | null => pattern.exec(`${this.#out}\n${this.#err}`)
    const matched = new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (): void => {
        const match = found()
        if (match !== null) resolve(match)
      }
      this.#child.stdout?.on('data', look)
      this.#child.stderr?.on('data', look)
      this.#child.on('close', () => {
        reject(new Error(`ended without ${String(pattern)}; ${this.#described()}`))
      })
      look()
    })
    return withDeadline(matched, () => `no ${String(pattern)}; ${this.#described()}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      this.#child.kill('SIGKILL')
    await this.#finished
  }

  #described(): string {
    return `stdout: ${this.#out}\nstderr: ${this.#err}`
  }
}

/** Runs the built command to its end. */
export async function flatfhir(
  args: readonly string[],
  setting?: CommandSetting,
): Promise<CommandResult> {
  await using command = new CommandProcess(args, setting)
  return await command.finished()
}

async function withDeadline<T>(promise: Promise<T>, describe: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(describe()))
    }, DEADLINE_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
