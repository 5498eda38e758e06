import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const RUN_FOLDER = /^(\d{3,})\./

/**
 * Makes the next numbered folder for a run: `000.<name>`, `001.<name>` … inside `parent`.
 *
 * @param name - Letters, digits, `.`, `_` and `-`.
 * @returns Its path.
 * @throws RangeError for another name; the file system's errors.
 */
export async function newRunDirectory(parent: string, name: string): Promise<string> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) {
    throw new RangeError('Names of runs are letters, digits, ".", "_" and "-"')
  }
  await mkdir(parent, { recursive: true })
  for (;;) {
    const numbers = (await readdir(parent)).map((entry) =>
      Number(RUN_FOLDER.exec(entry)?.[1] ?? -1),
    )
    const next = Math.max(-1, ...numbers) + 1
    const path = join(parent, `${String(next).padStart(3, '0')}.${name}`)
    try {
      await mkdir(path)
      return path
    } catch (error) {
      // Another process was faster: the next number is ours.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
}
