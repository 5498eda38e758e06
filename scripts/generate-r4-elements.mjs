/**
 * Writes the table of the root elements of FHIR R4's resource types that packages/protocol needs for
 * `_elements`, from the definitions of the standard.
 *
 * The table is committed; a test fails while the committed file differs from what this makes.
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import { readDefinitions, resourceTypes } from './generate-r4-tables.mjs'

const TARGET = new URL('../packages/protocol/src/generated/resource-elements.ts', import.meta.url)
const PRETTIER = { parser: 'typescript', printWidth: 100, semi: false, singleQuote: true }
const HEADER =
  '// Written by scripts/generate-r4-elements.mjs from the definitions of FHIR R4: do not edit.\n\n'
const CHOICE = '[x]'
const ELEMENT = /^[a-z][A-Za-z0-9]*$/

/**
 * The root elements of every concrete type, each type's as one text.
 *
 * @param {readonly object[]} profiles - StructureDefinitions among other resources.
 * @returns {Record<string, string>}
 */
export function resourceElements(profiles) {
  const byType = new Map(
    profiles
      .filter(({ resourceType, derivation }) => {
        return resourceType === 'StructureDefinition' && derivation === 'specialization'
      })
      .map((profile) => [profile.type, profile]),
  )
  return Object.fromEntries(
    resourceTypes(profiles).map((type) => [type, elementsOf(byType.get(type)).join(' ')]),
  )
}

/** `name`, `name!` for a mandatory one, `name:TypeA,TypeB` for a choice, `name!:TypeA` for both. */
function elementsOf({ type, snapshot }) {
  return snapshot.element
    .filter(({ path }) => path.split('.').length === 2)
    .map((element) => {
      const name = element.path.slice(type.length + 1)
      const mandatory = element.min > 0 ? '!' : ''
      const isChoice = name.endsWith(CHOICE)
      const plain = isChoice ? name.slice(0, -CHOICE.length) : name
      if (!ELEMENT.test(plain)) throw new Error(`Cannot read the element ${element.path}`)
      return plain + mandatory + (isChoice ? `:${element.type.map(capitalised).join(',')}` : '')
    })
}

function capitalised({ code }) {
  return code.charAt(0).toUpperCase() + code.slice(1)
}

/**
 * The generated file's content.
 *
 * @param {{ profiles: readonly object[] }} definitions
 * @returns {Promise<string>}
 */
export async function renderElements({ profiles }) {
  const table = resourceElements(profiles)
  return await format(
    `${HEADER}import type { ResourceType } from './resource-types.ts'

/**
 * The root elements of each resource type of FHIR R4, in their order, separated by blanks: \`name\`,
 * with \`!\` behind it where it is mandatory, and with \`:\` and the names of its types behind that
 * where it is a choice (\`value[x]\`).
 */
export const RESOURCE_ELEMENTS: Readonly<Record<ResourceType, string>> = ${JSON.stringify(table)}
`,
    PRETTIER,
  )
}

async function main() {
  await writeFile(TARGET, await renderElements(await readDefinitions()))
  console.log(fileURLToPath(TARGET))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
