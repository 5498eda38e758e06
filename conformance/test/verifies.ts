import { requirementOf } from '@flatfhir/conformance'
import { test } from 'vitest'

/**
 * Registers the test that proves one or more requirements; an unknown id stops the run. One proof of
 * several requirements runs once, and each of them has a test of its own in the report.
 */
export function verifies(ids: string | readonly string[], prove: () => Promise<void>): void {
  let proof: Promise<void> | undefined
  const proveOnce = async (): Promise<void> => {
    proof ??= prove()
    await proof
  }
  for (const id of [ids].flat()) {
    const { actor, strength, behavior, knownFailure } = requirementOf(id)
    const register = knownFailure === undefined ? test : test.fails
    register(`${id} ${actor} ${strength}: ${behavior}`, proveOnce)
  }
}
