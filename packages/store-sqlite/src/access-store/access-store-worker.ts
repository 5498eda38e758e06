import { serveWorker } from '../worker-rpc.ts'
import { AccessDatabase } from './access-database.ts'

serveWorker((options) => {
  // Started by SqliteAccessStore alone, whose options were typed.
  const { path } = options as { readonly path: string }
  const database = new AccessDatabase(path)
  return {
    handlers: database,
    close: () => {
      database.close()
    },
  }
})
