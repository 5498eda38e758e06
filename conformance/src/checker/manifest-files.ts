import { objectsOf } from './json.ts'

/** One entry of a manifest whose URL can be asked for. */
export interface ManifestEntry {
  /** For reports: the list and the place in it. */
  readonly name: string
  readonly url: URL
  readonly type: string | undefined
  readonly count: number | undefined
}

/** The entries of a list of a manifest that can be fetched. */
export function entriesOf(
  manifest: Readonly<Record<string, unknown>>,
  list: 'output' | 'deleted' | 'error' | 'outcome',
  base: URL,
): readonly ManifestEntry[] {
  return objectsOf(manifest[list]).flatMap(({ url, type, count }, index) => {
    if (typeof url !== 'string' || !URL.canParse(url, base.href)) return []
    const resolved = new URL(url, base)
    if (!/^https?:$/.test(resolved.protocol)) return []
    return [
      {
        name: `${list}[${index}]`,
        url: resolved,
        type: typeof type === 'string' ? type : undefined,
        count: typeof count === 'number' ? count : undefined,
      },
    ]
  })
}
