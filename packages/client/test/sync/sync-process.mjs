// Syncs in a process of its own, which kills itself at an event. Argument: options as JSON.
import { runSync } from '@flatfhir/client'

const { killAt, ...options } = JSON.parse(process.argv[2] ?? '{}')
const session = {
  readState: async () => ({ watermarks: [], members: 0 }),
  [Symbol.asyncDispose]: async () => undefined,
}
await runSync({
  ...options,
  sink: { open: async () => session },
  onEvent: ({ type }) => {
    if (type === killAt) process.kill(process.pid, 'SIGKILL')
  },
})
