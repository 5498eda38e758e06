import type { Connection } from '../../../connection/connection.ts'

/**
 * What two runs may not use at the same time. A database is open for short, and waited for, so two
 * sources can land in the same one.
 */
export function needsOf({ source, workDirectory }: Connection): readonly string[] {
  return [`source ${sourceOf(source.url)}`, `work ${workDirectory}`]
}

/** The origin and the base path of a FHIR server, spelled in one way. */
export function sourceOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname.replace(/\/$/, '')
}
