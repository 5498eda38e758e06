// What the figures were measured on.
import { open, rm } from 'node:fs/promises'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { percentile, secondsSince } from './measure.mjs'

const FLUSHES = 25

/** @param {string} directory Where files are made: its disk is what counts. */
export async function describeMachine(directory) {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGb: totalmem() / 1e9,
    system: `${type()} ${release()}`,
    node: process.version,
    flushMs: (await flushSeconds(directory)) * 1000,
  }
}

/** @param {Awaited<ReturnType<typeof describeMachine>>} machine */
export function formatMachine(machine) {
  return [
    `${machine.cores} cores (${machine.processor})`,
    `${machine.memoryGb.toFixed(0)} GB`,
    machine.system,
    `Node ${machine.node}`,
    `flush of 4 KiB to the disk ${machine.flushMs.toFixed(1)} ms`,
  ].join(', ')
}

async function flushSeconds(directory) {
  const path = join(directory, 'flush-probe')
  const file = await open(path, 'w')
  const samples = []
  for (let flush = 0; flush < FLUSHES; flush += 1) {
    const startedAt = performance.now()
    await file.write(Buffer.alloc(4096))
    await file.datasync()
    samples.push(secondsSince(startedAt))
  }
  await file.close()
  await rm(path)
  return percentile(samples, 50)
}
