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
      'Everything that was asked for was done. `export`: every file that the manifest promises is on disk and checked. `import`: every line is in the store. `serve`: it was asked to stop, and stopped cleanly.',
  },
  {
    code: EXIT_FAILED,
    name: 'failed',
    meaning: 'It could not be done; the message on stderr says why and what to do next.',
  },
  {
    code: EXIT_USAGE,
    name: 'usage',
    meaning:
      'The command line, a `FLATFHIR_…` variable or the config file is wrong. Nothing was started.',
  },
  {
    code: EXIT_INCOMPLETE,
    name: 'incomplete',
    meaning:
      'It ran to its end, but something is missing or bad. `export`: a file is missing or does not agree with the manifest. `import`: some lines could not be taken; the others are in the store.',
  },
  {
    code: EXIT_INTERRUPTED,
    name: 'interrupted',
    meaning:
      'Stopped by SIGINT (Ctrl-C) before it was done. `export` has sent the Delete Request. A second signal ends the process at once.',
  },
  {
    code: EXIT_TERMINATED,
    name: 'terminated',
    meaning:
      'Stopped by SIGTERM before it was done, in the same way; or whoever read its output went away.',
  },
]
