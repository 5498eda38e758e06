import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import type { LandingFile } from '@flatfhir/client'
import { PATIENT_COMPARTMENT, splitLines } from '@flatfhir/protocol'

type JsonRecord = Readonly<Record<string, unknown>>

/** The lines of a landing file, with the text of each as it is in the file. */
export async function* readLandingFile(
  file: LandingFile,
): AsyncGenerator<{ readonly resource: JsonRecord; readonly text: string }, void, void> {
  const stored = createReadStream(file.path)
  const chunks = file.path.endsWith('.gz') ? stored.pipe(createGunzip()) : stored
  for await (const { bytes } of splitLines(chunks as AsyncIterable<Uint8Array>)) {
    const text = bytes.toString('utf8').replace(/\r$/, '')
    if (text.trim() !== '') yield { resource: JSON.parse(text) as JsonRecord, text }
  }
}

/**
 * Ids of the patients whose compartment a resource is in, sorted. A Patient is in its own only, a
 * Group in nobody's.
 */
export function compartmentPatients(resource: JsonRecord): readonly string[] {
  const type = String(resource['resourceType'])
  if (type === 'Patient') return [String(resource['id'])]
  if (type === 'Group') return []
  const paths = (PATIENT_COMPARTMENT as Readonly<Record<string, readonly (readonly string[])[]>>)[
    type
  ]
  const ids = (paths ?? []).flatMap((path) => valuesAt(resource, path)).flatMap(patientId)
  return [...new Set(ids)].sort()
}

/** By whom each patient was replaced, as `Patient.link` of both sides says. */
export function replacements(
  rows: readonly { readonly type: string; readonly id: string; readonly text: string }[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const merges = new Map<string, Set<string>>()
  const add = (patient: string, by: string): void => {
    if (patient !== by) merges.set(patient, (merges.get(patient) ?? new Set()).add(by))
  }
  for (const { id, text } of rows.filter(({ type }) => type === 'Patient')) {
    const { link } = JSON.parse(text) as { readonly link?: readonly JsonRecord[] }
    for (const { other, type } of link ?? []) {
      for (const linked of patientId(other)) {
        if (type === 'replaced-by') add(id, linked)
        if (type === 'replaces') add(linked, id)
      }
    }
  }
  return merges
}

function valuesAt(value: unknown, path: readonly string[]): readonly unknown[] {
  const values = Array.isArray(value) ? (value as readonly unknown[]) : [value]
  const [step, ...rest] = path
  if (step === undefined) return values
  return values.flatMap((each) =>
    typeof each === 'object' && each !== null ? valuesAt((each as JsonRecord)[step], rest) : [],
  )
}

function patientId(reference: unknown): readonly string[] {
  const text = (reference as { readonly reference?: unknown } | undefined)?.reference
  const match = /(?:^|\/)Patient\/([^/]+)(?:\/_history\/[^/]+)?$/.exec(
    typeof text === 'string' ? text : '',
  )
  return match?.[1] === undefined ? [] : [match[1]]
}
