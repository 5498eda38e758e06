/** A StructureDefinition, as far as the tests read it. */
export interface Structure {
  readonly resourceType: string
  readonly name: string
  readonly kind: string
  readonly derivation?: string
  readonly snapshot?: { readonly element: readonly StructureElement[] }
}

export interface StructureElement {
  readonly path: string
  readonly max?: string
  readonly contentReference?: string
  readonly type?: readonly { readonly code: string }[]
}

export interface SearchDefinitions {
  readonly profiles: readonly Structure[]
  readonly types: readonly Structure[]
}

interface Generator {
  readSearchDefinitions(): Promise<SearchDefinitions>
  renderSearchTables(definitions: SearchDefinitions): Promise<Record<string, string>>
}

const SCRIPT = new URL('../../../scripts/generate-r4-tables.mjs', import.meta.url).href

/** The script that makes the tables. */
export async function generator(): Promise<Generator> {
  return (await import(SCRIPT)) as Generator
}
