import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../../errors.ts'

/** Where the demo works. */
export interface DemoDirectory {
  readonly path: string
  /** Removes it, where it is a temporary one. */
  remove(): Promise<void>
}

/**
 * Makes the directory that the demo works in.
 *
 * @param named - What `--data` says; a temporary directory without it.
 * @throws `UsageError` when the named directory holds something: the demo makes a store of its own.
 */
export async function demoDirectory(named: string | undefined): Promise<DemoDirectory> {
  if (named === undefined) {
    const path = await mkdtemp(join(tmpdir(), 'flatfhir-demo-'))
    return { path, remove: async () => rm(path, { recursive: true, force: true }) }
  }
  await mkdir(named, { recursive: true })
  if ((await readdir(named)).length > 0) {
    throw new UsageError(`${named} is not empty`, 'Give the demo a directory of its own.')
  }
  return { path: named, remove: async () => Promise.resolve() }
}
