/*
 * A PartitionReader that makes its lines up: what a selector says is there is there, in whatever
 * process, on whatever attempt. It can also misbehave, once or always, as a selector asks for.
 *
 * JavaScript, because worker threads load it as it is.
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** `{"id":"<type>-<n>", …}` padded to `lineBytes`, line feed included. */
export function lineOf({ type, lineBytes }, n) {
  const head = `{"resourceType":"${type}","id":"${type}-${n}","text":"`
  return `${head}${'x'.repeat(Math.max(0, lineBytes - head.length - 3))}"}\n`
}

export async function openPartitionReader({ directory }) {
  return {
    async *read({ partition }) {
      const selector = JSON.parse(partition.selector)
      const { from, count, linesPerBlock, fault, gate } = selector
      appendFileSync(`${directory}/read-order`, `${selector.type}\n`)
      if (gate !== undefined) await opened(directory, gate)
      for (let n = from; n < from + count; n += linesPerBlock) {
        const to = Math.min(n + linesPerBlock, from + count)
        let lines = ''
        for (let m = n; m < to; m += 1) lines += lineOf(selector, m)
        yield { bytes: Buffer.from(lines), resourceCount: to - n, issues: selector.issues ?? [] }
        if (fault !== undefined) misbehave(directory, fault)
      }
    },
    find() {
      return undefined
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** Waits until the test makes a file, or has gone away with its directory. */
async function opened(directory, gate) {
  writeFileSync(`${directory}/${gate}.waiting`, '')
  while (existsSync(directory) && !existsSync(`${directory}/${gate}`)) await delay(5)
}

function misbehave(directory, { kind, once }) {
  const mark = `${directory}/${once}`
  if (once !== undefined && existsSync(mark)) return
  if (once !== undefined) writeFileSync(mark, '')
  if (kind === 'throw')
    throw Object.assign(new Error('quotes Smith, John'), { code: 'ROW_UNREADABLE' })
  if (kind === 'exit') process.exit(3)
  if (kind === 'kill') process.kill(process.pid, 'SIGKILL')
  if (kind === 'uncaught') {
    setImmediate(() => {
      throw new Error('quotes Smith, John')
    })
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  }
  if (kind === 'hang') for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
}
