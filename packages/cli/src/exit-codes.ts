/** What the command's exit code says. */
export interface ExitCodeMeaning {
  readonly code: number
  readonly name: string
  readonly meaning: string
}

/** Everything that was asked for was done. */
export const EXIT_COMPLETE = 0
/** Something failed; the message says what. */
export const EXIT_FAILED = 1
/** The command line, the environment or the config file is wrong; nothing was started. */
export const EXIT_USAGE = 2
/** The work was done, but something is missing or bad. */
export const EXIT_INCOMPLETE = 3
/** The provider still works on the export. */
export const EXIT_RUNNING = 4
/** Stopped by SIGINT (Ctrl-C). */
export const EXIT_INTERRUPTED = 130
/** Stopped by SIGTERM. */
export const EXIT_TERMINATED = 143

/** Every exit code, in the order of the reference page. */
export const EXIT_CODES: readonly ExitCodeMeaning[] = [
  {
    code: EXIT_COMPLETE,
    name: 'complete',
    meaning:
      'Everything that was asked for was done. `export`: every file that the manifest promises is on disk and checked. `export start`: the provider has accepted the export. `export status`: its files can be collected, or are there, all checked. `export cancel`: nothing of it is left at the provider. `receipt`: the verdict is complete. `import`: every line is in the store. `sync run`, `sync daemon --once`: every cohort is in step, and committed. `load`, `query`: done. `serve`: it was asked to stop, and stopped cleanly.',
  },
  {
    code: EXIT_FAILED,
    name: 'failed',
    meaning:
      'It could not be done; the message on stderr says why and what to do next. `export`, `export collect`: also when no file could be had. `export status`, `export collect`: also when the export was cancelled, has failed, or was never started. `receipt`: the verdict is failed. `sync run`, `sync daemon --once`: a cohort could not be brought to the end of its run; the next run goes on with it.',
  },
  {
    code: EXIT_USAGE,
    name: 'usage',
    meaning:
      'The command line, a `FLATFHIR_…` variable, the config file or a connection file is wrong. Nothing was started.',
  },
  {
    code: EXIT_INCOMPLETE,
    name: 'incomplete',
    meaning:
      'It ran to its end, but something is missing or bad. `export`, `export status`, `export collect`, `receipt`: a file is missing or does not agree with the manifest. `import`: some lines could not be taken; the others are in the store. `sync run`, `sync daemon --once`: an alarm stopped a run before its commit, or an export is incomplete; the landed data are as they were.',
  },
  {
    code: EXIT_RUNNING,
    name: 'running',
    meaning:
      '`export status`, `export collect`: the provider still works on the export; the same command later tells more.',
  },
  {
    code: EXIT_INTERRUPTED,
    name: 'interrupted',
    meaning:
      'Stopped by SIGINT (Ctrl-C) before it was done. `export` has sent the Delete Request, unless `--on-stop keep` was given; its steps (`export collect` …) and `sync` never do: the same command goes on where it was. A second signal ends the process at once.',
  },
  {
    code: EXIT_TERMINATED,
    name: 'terminated',
    meaning:
      'Stopped by SIGTERM before it was done, in the same way; or whoever read its output went away.',
  },
]

/** The exit code of a verdict. */
export function verdictExitCode(verdict: 'complete' | 'incomplete' | 'failed'): number {
  return { complete: EXIT_COMPLETE, incomplete: EXIT_INCOMPLETE, failed: EXIT_FAILED }[verdict]
}
