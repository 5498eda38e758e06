import { parentPort } from 'node:worker_threads'
import type { LineCheckReply, LineCheckRequest } from './line-check-pool.ts'
import { checkLines } from './line-check.ts'

// The block goes back with the answer, to be filled again: that keeps memory flat.
parentPort?.on('message', ({ id, buffer, length, rules }: LineCheckRequest) => {
  const report = checkLines(new Uint8Array(buffer, 0, length), rules)
  const reply: LineCheckReply = { id, buffer, report }
  parentPort?.postMessage(reply, [buffer])
})
