import type { FinishedExport } from '../exports.ts'
import { objectsOf } from '../json.ts'
import { entriesOf } from '../manifest-files.ts'
import { readFile } from '../read-file.ts'
import type { Session } from '../session.ts'

/** Reads the output files of an export, as many and as much as a run may. */
export async function readOutput(
  session: Session,
  { manifest = {}, statusUrl }: FinishedExport,
  onResource: (resource: Readonly<Record<string, unknown>>) => void,
): Promise<void> {
  const { files, fileBytes } = session.options.limits
  for (const entry of entriesOf(manifest, 'output', statusUrl).slice(0, files)) {
    await readFile(session.http, entry.url, { maxBytes: fileBytes, onResource })
  }
}

/** The types that the output list of a manifest names, sorted, each once. */
export function typesIn({ manifest = {} }: FinishedExport): readonly string[] {
  const types = objectsOf(manifest['output']).map(({ type }) => String(type))
  return [...new Set(types)].sort()
}
