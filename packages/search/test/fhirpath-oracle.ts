import fhirpath from 'fhirpath'
import r4 from 'fhirpath/fhir-context/r4'
import { isJsonObject, type JsonObject } from '../src/json.ts'

/** `resolve()` would fetch: the type is asked of the reference itself. */
const options = {
  userInvocationTable: {
    leadsTo: {
      fn: (inputs: readonly unknown[], type: string): boolean => inputs.some(leadsTo(type)),
      arity: { 1: ['String' as const] },
    },
  },
}

/** What FHIRPath finds with an expression of the table. */
export function compiledExpression(
  expression: string,
): (resource: JsonObject) => readonly unknown[] {
  const local = expression.replaceAll(/resolve\(\) is (\w+)/g, "leadsTo('$1')")
  const evaluate = fhirpath.compile(local, r4, options)
  return (resource) => evaluate(resource, { resource }) as readonly unknown[]
}

/** Written apart from the product: the step before the id names the type. */
function leadsTo(type: string): (node: unknown) => boolean {
  const pattern = new RegExp(`(^|/)${type}/[^/]+(/_history/[^/]+)?$`)
  return (node) => {
    const data: unknown = isJsonObject(node) && 'data' in node ? node['data'] : node
    const reference = isJsonObject(data) ? data['reference'] : undefined
    return typeof reference === 'string' && pattern.test(reference)
  }
}
