import { serveWorker } from '../worker-rpc.ts'
import { JobDatabase } from './job-database.ts'

serveWorker((options) => {
  // Started by SqliteJobStore alone, whose options were typed.
  const { path } = options as { readonly path: string }
  const database = new JobDatabase(path)
  return {
    handlers: database,
    close: () => {
      database.close()
    },
  }
})
