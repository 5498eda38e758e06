import { mkdir } from 'node:fs/promises'
import type { ClientRegistry } from '@flatfhir/auth'
import { SqliteAccessStore } from '@flatfhir/store-sqlite'
import { UsageError } from '../../errors.ts'
import { isDirectory } from '../../files/is-directory.ts'

/** Opens the registry of a data directory for a while; `make` makes a missing directory. */
export async function withClients<T>(
  data: string,
  { make }: { readonly make: boolean },
  work: (clients: ClientRegistry) => Promise<T>,
): Promise<T> {
  if (make) await mkdir(data, { recursive: true })
  else if (!(await isDirectory(data))) {
    throw new UsageError(`${data}: there is no such directory`, 'Check --data.')
  }
  await using store = await SqliteAccessStore.open({ directory: data })
  return await work(store.clients)
}
