import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../journal/journal-file.ts'
import type { Receipt } from './receipt.ts'

/** Name of the receipt in an export's folder. */
export const RECEIPT_FILE = 'receipt.json'

/** Writes the receipt so that a reader finds the old one or the new one, whole. */
export async function writeReceipt(directory: string, receipt: Receipt): Promise<void> {
  const path = join(directory, RECEIPT_FILE)
  {
    await using handle = await open(`${path}.part`, 'w', 0o600)
    await handle.writeFile(`${JSON.stringify(receipt, undefined, 2)}\n`)
    await handle.datasync()
  }
  await rename(`${path}.part`, path)
  await syncDirectory(directory)
}
