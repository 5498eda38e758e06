import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncDirectory } from '../journal/journal-file.ts'

/**
 * Writes a file as JSON, so that a reader finds the old one or the new one, whole, whatever happens;
 * when it resolves, the new one is on the disk.
 */
export async function writeJsonDurably(path: string, value: unknown): Promise<void> {
  const directory = dirname(path)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  {
    await using handle = await open(`${path}.part`, 'w', 0o600)
    await handle.writeFile(`${JSON.stringify(value, undefined, 2)}\n`)
    await handle.datasync()
  }
  await rename(`${path}.part`, path)
  await syncDirectory(directory)
  await syncDirectory(dirname(directory))
}
