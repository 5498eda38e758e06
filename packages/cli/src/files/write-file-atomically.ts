import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'

/**
 * Writes a file so that its readers see either what was there before or all of the new text.
 *
 * @throws the operating system's error.
 */
export async function writeFileAtomically(path: string, text: string): Promise<void> {
  const temporaryPath = `${path}.${randomUUID()}.part`
  try {
    await using file = await open(temporaryPath, 'wx')
    await file.writeFile(text)
    await file.sync()
    await rename(temporaryPath, path)
  } catch (error) {
    await rm(temporaryPath, { force: true })
    throw error
  }
}
