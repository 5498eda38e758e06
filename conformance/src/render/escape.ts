const MARKUP: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
// What XML 1.0 cannot hold in any form.

const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g
const LONE_SURROGATE = /\p{Surrogate}/gu

/** Text for HTML and XML, as content or within quotes of an attribute. */
export function escapeMarkup(text: string): string {
  return text
    .replace(NOT_XML, '\ufffd')
    .replace(LONE_SURROGATE, '\ufffd')
    .replace(/[&<>"']/g, (character) => MARKUP[character] ?? '')
}
