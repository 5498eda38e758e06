import { ManifestInvalidError } from '@flatfhir/protocol'
import type { RunContext } from '../run-context.ts'
import { type ManifestPage, requestManifestPage } from './request-status.ts'
import { usableUrl } from './usable-url.ts'

const MAX_PAGES = 10_000

/** A page with its place. */
export interface NumberedPage extends ManifestPage {
  /** 0 for the first. */
  readonly page: number
}

/**
 * Follows the `next` links of a manifest.
 *
 * @param known - Addresses of the pages that were read before: those between the first and the last
 *   of them are not asked for again, because a page that was once sent stays as it is.
 * @throws `ManifestInvalidError` when the links go in circles or the pages contradict each other;
 *   otherwise as {@link requestManifestPage}.
 */
export async function* walkManifest(
  first: ManifestPage,
  context: RunContext,
  known: readonly string[] = [],
): AsyncGenerator<NumberedPage, void, void> {
  yield { ...first, page: 0 }
  const seen = new Set([first.url.href])
  let last: ManifestPage = first
  let page = 0
  const lastKnown = known.at(-1)
  if (known.length > 1 && lastKnown !== undefined) {
    page = known.length - 1
    for (const url of known) seen.add(url)
    last = await requestManifestPage(new URL(lastKnown), context)
    checkSameTime(first, last)
    yield { ...last, page }
  }
  while (last.manifest.next !== undefined) {
    const next = nextUrl(last)
    if (seen.has(next.href) || seen.size >= MAX_PAGES) {
      throw new ManifestInvalidError('The "next" links of the manifest do not come to an end')
    }
    seen.add(next.href)
    last = await requestManifestPage(next, context)
    checkSameTime(first, last)
    page += 1
    yield { ...last, page }
  }
}

function checkSameTime(first: ManifestPage, other: ManifestPage): void {
  const times = [first, other].map(({ manifest }) => Date.parse(manifest.transactionTime))
  if (times[0] !== times[1]) {
    throw new ManifestInvalidError('The pages of the manifest differ in transactionTime')
  }
}

function nextUrl({ manifest, url }: ManifestPage): URL {
  const next = usableUrl(manifest.next ?? '', url)
  if (next instanceof URL) return next
  throw new ManifestInvalidError(`The "next" link of the manifest cannot be used: ${next}`)
}
