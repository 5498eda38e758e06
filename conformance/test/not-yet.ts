/** Requirements that this product means to meet and does not meet yet. Ends up empty. */
export const NOT_YET: ReadonlySet<string> = new Set<string>()
