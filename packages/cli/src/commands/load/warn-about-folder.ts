import type { CommandContext } from '../command.ts'

/** Says what nobody checked about a folder, and what was left alone. */
export function warnAboutFolder(
  { verified, skipped }: { readonly verified: boolean; readonly skipped: readonly string[] },
  directory: string,
  context: CommandContext,
): void {
  if (!verified) {
    context.warn(`warning: ${directory} has no receipt: nobody knows whether anything is missing`)
  }
  if (skipped.length > 0) {
    context.warn(`warning: left alone, as it holds no resources: ${skipped.join(', ')}`)
  }
}
