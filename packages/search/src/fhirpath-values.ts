import { createRequire } from 'node:module'
import type * as FhirPath from 'fhirpath'
import type { JsonObject } from './json.ts'

/** The values that an expression finds in a resource. */
export type ValueReader = (resource: JsonObject) => readonly unknown[]

const R4_MODEL = 'fhirpath/fhir-context/r4'
const require = createRequire(import.meta.url)

/**
 * Compiles a FHIRPath expression of the table for R4.
 *
 * The engine is loaded with the first expression that needs it, which few searches have: loading
 * takes longer than everything else that a worker does at its start.
 */
export function compileFhirPath(expression: string): ValueReader {
  const { compile } = require('fhirpath') as typeof FhirPath
  const evaluate = compile(expression, require(R4_MODEL) as FhirPath.Model)
  return (resource) => {
    try {
      const values = evaluate(resource)
      return Array.isArray(values) ? (values as readonly unknown[]) : []
    } catch {
      // The engine's messages quote the resource. What cannot be evaluated has no values.
      return []
    }
  }
}
