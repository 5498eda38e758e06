import type { ImportProgress } from '@flatfhir/store-sqlite'
import { formatCount, formatMegabytes, formatQuantity } from './format-number.ts'
import type { Progress } from './progress.ts'

/** Tells how an import gets on. @returns the `onProgress` of the import. */
export function importProgress(progress: Progress): (done: ImportProgress) => void {
  return ({ created, updated, unchanged, bytes, files, filesRead }) => {
    const resources = created + updated + unchanged
    progress.update({
      text: `importing: ${formatCount(resources)} resources, ${formatMegabytes(bytes)} MB, ${formatCount(filesRead)} of ${formatQuantity(files, 'file')}`,
      event: 'import-progress',
      fields: { resources, bytes, files, filesRead },
    })
  }
}
