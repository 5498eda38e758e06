import { formatCount } from './format-number.ts'
import type { Progress } from './progress.ts'

/** Tells how a population comes into being. @returns the `onProgress` of the writer. */
export function synthProgress(
  progress: Progress,
  patients: number,
): (done: { readonly patients: number; readonly resourceCount: number }) => void {
  return (done) => {
    progress.update({
      text: `making patients: ${formatCount(done.patients)} of ${formatCount(patients)}, ${formatCount(done.resourceCount)} resources`,
      event: 'synth-progress',
      fields: { patients: done.patients, of: patients, resources: done.resourceCount },
    })
  }
}
