import { parseHeaderList, weightOf, type HeaderItem } from './header-list.ts'

/**
 * Whether an `Accept` header admits `application/fhir+json`.
 *
 * The most specific range that matches decides (RFC 9110 section 12.5.1), so
 * one with `q=0` excludes it whatever a wildcard says. `application/json` alone does not admit it.
 *
 * @param header - `undefined` and an empty header admit everything.
 */
export function acceptsFhirJson(header: string | undefined): boolean {
  const ranges = parseHeaderList(header ?? '')
  if (ranges.length === 0) return true
  return (
    (weightFor(ranges, ['application/fhir+json']) ??
      weightFor(ranges, ['application/*']) ??
      weightFor(ranges, ['*/*']) ??
      0) > 0
  )
}

/**
 * Whether an answer may be, and had better be, sent with `Content-Encoding: gzip`.
 *
 * Without the header a recipient would have to take any coding; many clients that send none cannot,
 * so nothing is compressed for them. A client that gives `identity` the greater weight gets that.
 *
 * @see RFC 9110 section 12.5.3
 */
export function acceptsGzip(header: string | undefined): boolean {
  const codings = parseHeaderList(header ?? '')
  const others = weightFor(codings, ['*'])
  const gzip = weightFor(codings, ['gzip', 'x-gzip']) ?? others ?? 0
  const identity = weightFor(codings, ['identity']) ?? 0
  return gzip > 0 && gzip >= identity
}

/** The greatest weight given to any of the names; `undefined` when none is listed. */
function weightFor(items: readonly HeaderItem[], names: readonly string[]): number | undefined {
  const weights = items.filter(({ name }) => names.includes(name)).map(weightOf)
  return weights.length === 0 ? undefined : Math.max(...weights)
}
