import { documentedTopics } from './documentation.ts'
import type { ProviderDescription } from './provider-description.ts'

const STYLE = `
  :root { color-scheme: light dark }
  body { font: 1rem/1.55 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
  h1 { font-size: 1.5rem } h2 { font-size: 1.05rem; margin: 1.6rem 0 .3rem }
  p { margin: 0; white-space: pre-line; overflow-wrap: anywhere }
`

/** The documentation as a page without scripts or anything from elsewhere. */
export function documentationPage(input: ProviderDescription): string {
  const topics = documentedTopics(input).map(
    ({ question, answer }) => `<h2>${escaped(question)}</h2>\n<p>${escaped(answer)}</p>`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bulk Data capabilities</title>
<style>${STYLE}</style>
<h1>Bulk Data capabilities</h1>
<p>flatfhir ${escaped(input.softwareVersion)} at ${escaped(input.fhirBaseUrl)}</p>
${topics.join('\n')}
</html>
`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
}
