import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ReceiptInvalidError } from '../errors.ts'
import { type Receipt, RECEIPT_VERSION } from './receipt.ts'
import { RECEIPT_FILE } from './receipt-file.ts'

/**
 * Reads the receipt of an export.
 *
 * @param directory - The export's folder.
 * @throws {@link ReceiptInvalidError} when there is none, or one of a newer form.
 */
export async function readReceipt(directory: string): Promise<Receipt> {
  try {
    const json = JSON.parse(await readFile(join(directory, RECEIPT_FILE), 'utf8')) as unknown
    if (isReceipt(json)) return json
  } catch {
    // Missing, unreadable and not JSON come to the same for the caller.
  }
  throw new ReceiptInvalidError(directory)
}

/** The file is ours; this tells it from another that happens to have its name. */
function isReceipt(json: unknown): json is Receipt {
  if (typeof json !== 'object' || json === null) return false
  const receipt = json as Partial<Record<keyof Receipt, unknown>>
  return (
    typeof receipt.receiptVersion === 'number' &&
    receipt.receiptVersion <= RECEIPT_VERSION &&
    ['complete', 'incomplete', 'failed'].includes(String(receipt.verdict)) &&
    Array.isArray(receipt.files) &&
    Array.isArray(receipt.problems)
  )
}
