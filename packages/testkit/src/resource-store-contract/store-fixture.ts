import type { ResourceStore } from '@flatfhir/server'
import { afterEach } from 'vitest'

/** Opens the store of one place; called again, it is another connection to the same store. */
export type OpenResourceStore = () => Promise<ResourceStore>

/** Makes an empty place of its own. */
export type MakePlace = () => Promise<OpenResourceStore>

/** Opens a store of its own for a test; closed when the test has ended. */
export type OpenStore = () => Promise<{
  readonly store: ResourceStore
  /** Opens another connection to the same store. */
  readonly connect: OpenResourceStore
}>

/** To be called within `describe`. */
export function storesOf(makePlace: MakePlace): OpenStore {
  const opened: ResourceStore[] = []
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store[Symbol.asyncDispose]()))
  })
  return async () => {
    const open = await makePlace()
    const connect = async (): Promise<ResourceStore> => {
      const store = await open()
      opened.push(store)
      return store
    }
    return { store: await connect(), connect }
  }
}
