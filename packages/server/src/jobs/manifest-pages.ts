/** Files of the largest pages. */
const MAX_PAGE_FILES = 1024
/** Pages 0 to 9 have 1, 2, 4 … 512 files; from here on they are full-sized. */
const GROWING_PAGES = Math.log2(MAX_PAGE_FILES)

/** Which files are on a page, in the order in which they were committed. */
export interface PageRange {
  readonly skip: number
  readonly limit: number
}

/**
 * The files of one page of a manifest that grows while its export runs.
 *
 * The first page has one file, so that it can be told early; the next ones have twice as many each,
 * so that a large export does not have thousands of pages. As commits only add files at the end,
 * a page that is full never changes, which the IG asks for (SHALL NOT), in whatever process.
 *
 * @param page - From 0.
 */
export function pageRange(page: number): PageRange {
  if (page < GROWING_PAGES) return { skip: 2 ** page - 1, limit: 2 ** page }
  const skip = MAX_PAGE_FILES - 1 + (page - GROWING_PAGES) * MAX_PAGE_FILES
  return { skip, limit: MAX_PAGE_FILES }
}

/**
 * Whether a page can be told: when it is full, or when no more files can come.
 *
 * @param files - Committed so far.
 */
export function isPageReady(
  page: number,
  { files, complete }: { readonly files: number; readonly complete: boolean },
): boolean {
  const { skip, limit } = pageRange(page)
  if (!complete) return files >= skip + limit
  return page === 0 || files > skip
}
