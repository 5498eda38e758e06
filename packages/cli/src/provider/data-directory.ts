import { join } from 'node:path'

/** Where things are inside a data directory. `resources.sqlite`, `access.sqlite` and `serve.lock` name themselves. */
export interface DataDirectory {
  readonly path: string
  /** The database of export jobs. */
  readonly jobs: string
  /** Output files, one directory per job. */
  readonly outputFiles: string
  /** The audit log. */
  readonly audit: string
}

/** Names the parts of a data directory. */
export function dataDirectory(path: string): DataDirectory {
  return {
    path,
    jobs: join(path, 'jobs.sqlite'),
    outputFiles: join(path, 'output-files'),
    audit: join(path, 'audit'),
  }
}
