import { readReceipt, receiptMarkdown, receiptText } from '@flatfhir/client'
import { verdictExitCode } from '../../exit-codes.ts'
import type { CommandContext } from '../command.ts'
import type { ReceiptOptions } from './command.ts'

/** Runs `flatfhir receipt`. @returns the exit code. */
export async function runReceipt(
  { dir, markdown }: ReceiptOptions,
  context: CommandContext,
): Promise<number> {
  const receipt = await readReceipt(dir)
  if (context.options.json) context.print(JSON.stringify(receipt))
  else context.print((markdown ? receiptMarkdown(receipt) : receiptText(receipt)).trimEnd())
  return verdictExitCode(receipt.verdict)
}
