import type { ExportJobState, ExportJobStatus } from './job-status.ts'
import type { JournalState } from './journal/journal-state.ts'

/** Where an export is, by what its journal says. */
export function jobStatus(folder: {
  readonly path: string
  readonly state: JournalState
}): ExportJobStatus {
  const { path, state } = folder
  const transactionTime = state.pages[0]?.manifest.transactionTime
  return {
    state: stateOf(state),
    directory: path,
    exportId: state.exportId ?? '',
    ...(state.statusUrl !== undefined && { statusUrl: state.statusUrl }),
    ...(state.statusNotBefore !== undefined &&
      state.manifestAt === undefined && { nextStatusRequestAt: state.statusNotBefore }),
    ...(transactionTime !== undefined && { transactionTime }),
    ...(state.pages.length > 0 && {
      files: { promised: promisedFiles(state), finished: state.results.size },
    }),
    ...(state.ended !== undefined && { endReason: state.ended.reason }),
  }
}

function stateOf(state: JournalState): ExportJobState {
  if (state.ended !== undefined) return 'ended'
  if (state.collected !== undefined) return state.collected.verdict
  if (state.manifestAt !== undefined) return 'ready'
  return state.statusUrl === undefined ? 'not-started' : 'in-progress'
}

function promisedFiles({ pages }: JournalState): number {
  const latest = new Map(pages.map(({ page, manifest }) => [page, manifest]))
  let files = 0
  for (const { output, deleted, outcome } of latest.values()) {
    files += output.length + deleted.length + outcome.length
  }
  return files
}
