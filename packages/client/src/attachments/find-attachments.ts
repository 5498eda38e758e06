/** An element of type Attachment whose content is elsewhere. */
export interface FoundAttachment {
  readonly url: string
  readonly contentType: string | undefined
}

/** Names of the elements of R4 that are Attachments, or hold them directly. */
const ATTACHMENT_ELEMENTS: ReadonlySet<string> = new Set([
  ...['attachment', 'presentedForm', 'photo', 'content', 'image', 'contentAttachment'],
  ...['valueAttachment', 'sourceAttachment', 'document', 'media', 'defaultValueAttachment'],
])

/** Finds the Attachments of a parsed resource that have a URL and no data. */
export function findAttachments(resource: unknown): readonly FoundAttachment[] {
  const found: FoundAttachment[] = []
  const waiting: (readonly [name: string, value: unknown])[] = [['', resource]]
  // A loop and not a recursion: how deep a resource is, is the provider's to say.
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [name, value] = next
    if (Array.isArray(value)) {
      for (const item of value) waiting.push([name, item])
    } else if (typeof value === 'object' && value !== null) {
      const element = value as Readonly<Record<string, unknown>>
      const { url, data, contentType } = element
      if (ATTACHMENT_ELEMENTS.has(name) && typeof url === 'string' && data === undefined) {
        found.push({ url, contentType: typeof contentType === 'string' ? contentType : undefined })
      }
      for (const [key, inner] of Object.entries(element)) {
        if (typeof inner === 'object') waiting.push([key, inner])
      }
    }
  }
  return found
}

/**
 * Puts content into the Attachments of a line that have the URL, as text: no other byte changes.
 *
 * @returns `undefined` when the URL is written in a way that is not found.
 */
export function inlineAttachment(line: string, url: string, base64: string): string | undefined {
  const written = JSON.stringify(url).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  let hits = 0
  const inlined = line.replace(new RegExp(`"url"\\s*:\\s*${written}`, 'g'), (text) => {
    hits += 1
    return `"data":"${base64}",${text}`
  })
  return hits === 0 ? undefined : inlined
}
