#!/usr/bin/env node
import { StoppedBySignalError } from './errors.ts'
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_TERMINATED } from './exit-codes.ts'
import { formatError } from './output/format-error.ts'
import { runCli } from './run-cli.ts'

const controller = new AbortController()

// npm passes on the Ctrl-C that its child has already had from the terminal: the two count as one.
const SAME_SIGNAL_MS = 500
let stoppedAt = 0

for (const signalName of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signalName, () => {
    if (!controller.signal.aborted) {
      stoppedAt = performance.now()
      controller.abort(new StoppedBySignalError(signalName))
    } else if (performance.now() - stoppedAt > SAME_SIGNAL_MS) {
      process.exit(signalName === 'SIGINT' ? EXIT_INTERRUPTED : EXIT_TERMINATED)
    }
  })
}

// Node's own report of such an error may quote what was being worked on.
process.on('uncaughtException', (error) => {
  process.stderr.write(formatError(error, { verbose: process.argv.includes('--verbose') }))
  process.exit(EXIT_FAILED)
})

// The reader of a pipe may go away early (`| head`): what runs is stopped as by a signal, so that it
// cleans up after itself.
for (const output of [process.stdout, process.stderr]) {
  output.on('error', () => {
    if (!controller.signal.aborted) controller.abort(new StoppedBySignalError('SIGTERM'))
  })
}

const exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  // Opened only where it is read.
  get stdin() {
    return process.stdin
  },
  env: process.env,
  cwd: process.cwd(),
  signal: controller.signal,
  onHangUp: (listener) => {
    process.on('SIGHUP', listener)
    return () => process.off('SIGHUP', listener)
  },
})

// Text on its way into a pipe would be lost by an exit.
await Promise.all(
  [process.stdout, process.stderr].map(
    (output) =>
      new Promise<void>((resolve) =>
        output.write('', () => {
          resolve()
        }),
      ),
  ),
)
process.exit(exitCode)
