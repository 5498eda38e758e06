// Processes of ours, which must not outlive us.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {import('node:child_process').ChildProcess} Its output can be read; its errors are shown.
 */
export function spawnOwned(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const end = () => child.kill('SIGTERM')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  return child
}

/** Resolves when it has ended. @param {import('node:child_process').ChildProcess} child */
export async function stopProcess(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}
