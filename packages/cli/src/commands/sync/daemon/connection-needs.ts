import type { Connection } from '../../../connection/connection.ts'

/** What two runs may not use at the same time. */
export function needsOf({ source, workDirectory, sinks }: Connection): readonly string[] {
  return [
    `source ${sourceOf(source.url)}`,
    `work ${workDirectory}`,
    ...Object.entries(sinks).flatMap(([kind, path]) =>
      typeof path === 'string' ? [`${kind} ${path}`] : [],
    ),
  ]
}

/** The origin and the base path of a FHIR server, spelled in one way. */
export function sourceOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname.replace(/\/+$/, '')
}
