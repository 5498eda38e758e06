// A process that has as many threads as the server, and nothing to do. Prints a line when they run.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const count = Number(process.argv[2])
const threads = Array.from(
  { length: count },
  () =>
    new Worker('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true }),
)
await Promise.all(threads.map((thread) => once(thread, 'online')))
console.log('ready')
