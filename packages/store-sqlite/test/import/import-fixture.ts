import {
  importResources,
  SqliteResourceStore,
  type ImportProblem,
  type ImportSummary,
} from '@flatfhir/store-sqlite'
import { readExport, type Exported } from '@flatfhir/testkit'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '../temporary-directory.ts'

/** A data directory, a folder of files to import, and what came of it. */
export interface ImportFixture {
  readonly directory: string
  readonly folder: string
  /** Writes a file into the folder. */
  write(name: string, content: string | Uint8Array): Promise<string>
  /** Imports the folder, or other paths. */
  run(options?: { readonly paths?: readonly string[]; readonly maxLineBytes?: number }): Promise<{
    readonly summary: ImportSummary
    readonly problems: readonly ImportProblem[]
  }>
  /** Everything that is in the store. */
  contents(): Promise<Exported>
}

/** Makes an empty {@link ImportFixture}. */
export async function importFixture(): Promise<ImportFixture> {
  const directory = join(await temporaryDirectory(), 'data')
  const folder = await temporaryDirectory()
  return {
    directory,
    folder,
    async write(name, content) {
      const path = join(folder, name)
      await writeFile(path, content)
      return path
    },
    async run({ paths = [folder], ...options } = {}) {
      const problems: ImportProblem[] = []
      const onProblem = (problem: ImportProblem): void => {
        problems.push(problem)
      }
      const summary = await importResources({ directory, paths, onProblem, ...options })
      return { summary, problems }
    },
    async contents() {
      await using store = await SqliteResourceStore.open({ directory })
      return await readExport(store, { level: 'system' })
    },
  }
}

/** Text of a resource as a line, without its line feed. */
export function line(type: string, id: string, rest = ''): string {
  return `{"resourceType":"${type}","id":"${id}"${rest}}`
}

/** A text without `meta`. */
export function withoutMeta(text: string): string {
  return text.replace(/,"meta":\{[^}]*\}/, '')
}
