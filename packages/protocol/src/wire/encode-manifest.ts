import { formatInstant } from '../instant.ts'
import type { Manifest, ManifestExtensionValue, ManifestFile } from '../manifest.ts'
import type { Edition } from './edition.ts'
import { FILE_SIZE_EXTENSION, SHA256_EXTENSION } from './manifest-extensions.ts'

/** Canonical URL of the logical model that a manifest of STU4 follows. */
const MANIFEST_TYPE = 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkDataManifest'

/** A value that `JSON.stringify` writes as an object. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Writes a manifest as the given edition wants it; the caller turns it into text.
 *
 * @param manifest - `request` is required by STU1 to STU3 (SHALL) and gone from STU4.
 * @throws RangeError when `request` is missing for STU1 to STU3.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest | Bulk Data: Output Manifest}
 */
export function encodeManifest(manifest: Manifest, edition: Edition): JsonObject {
  return edition === 'stu4' ? encodeStu4(manifest) : encodeStu1To3(manifest, edition)
}

function encodeStu1To3(manifest: Manifest, edition: Edition): JsonObject {
  const { transactionTime, request, requiresAccessToken, deleted, outcome, extensions } = manifest
  if (request === undefined) throw new RangeError(`A manifest of ${edition} names its request`)
  // STU1 knows no deletions. A reader of it skips what it does not know, so they are told where
  // there are any.
  const tellsDeleted = edition !== 'stu1' || deleted.length > 0
  return {
    transactionTime: formatInstant(transactionTime),
    request,
    requiresAccessToken,
    ...organizer(manifest),
    output: outputFiles(manifest, fileOfStu1To3),
    ...(tellsDeleted && { deleted: deleted.map(fileOfStu1To3) }),
    // Required even when it is empty.
    error: outcome.map(fileOfStu1To3),
    ...linkTo(manifest.next),
    ...(extensions !== undefined && { extension: extensions }),
  }
}

/** Until STU3 an extension is an object whose keys are URLs. */
function fileOfStu1To3(file: ManifestFile): JsonObject {
  const { type, url, count, fileSize, sha256, continuesInFile } = file
  const hasExtension = fileSize !== undefined || sha256 !== undefined
  return {
    type,
    url,
    ...(continuesInFile !== undefined && { continuesInFile }),
    ...(count !== undefined && { count }),
    ...(hasExtension && {
      extension: {
        ...(fileSize !== undefined && { [FILE_SIZE_EXTENSION]: fileSize }),
        ...(sha256 !== undefined && { [SHA256_EXTENSION]: sha256 }),
      },
    }),
  }
}

function encodeStu4(manifest: Manifest): JsonObject {
  const { transactionTime, requiresAccessToken, deleted, outcome, next, extensions } = manifest
  const { outputOrganizedByDetail } = manifest
  return {
    manifestType: MANIFEST_TYPE,
    transactionTime: formatInstant(transactionTime),
    requiresAccessToken,
    outputFormat: 'application/fhir+ndjson',
    ...organizer(manifest),
    ...(outputOrganizedByDetail !== undefined && { outputOrganizedByDetail }),
    output: outputFiles(manifest, (file) => ({ type: file.type, ...fileOfStu4(file) })),
    deleted: deleted.map(fileOfStu4),
    outcome: outcome.map((file) => ({ ...fileOfStu4(file), ...severitiesOf(file) })),
    ...linkTo(next),
    ...(extensions !== undefined && {
      extension: Object.entries(extensions).map(([url, value]) => ({ url, ...fhirValue(value) })),
    }),
  }
}

/** In STU4 the size is a field, extensions are FHIR's, and only output files have a type. */
function fileOfStu4(file: ManifestFile): JsonObject {
  const { url, count, fileSize, sha256, continuesInFile } = file
  return {
    url,
    ...(continuesInFile !== undefined && { continuesInFile }),
    ...(count !== undefined && { count }),
    ...(fileSize !== undefined && { fileSize }),
    ...(sha256 !== undefined && { extension: [{ url: SHA256_EXTENSION, valueString: sha256 }] }),
  }
}

function severitiesOf({ countBySeverity }: ManifestFile): JsonObject {
  if (countBySeverity === undefined) return {}
  const countSeverity = Object.entries(countBySeverity).map(([code, count]) => ({ code, count }))
  return countSeverity.length === 0 ? {} : { countSeverity }
}

function fhirValue(value: ManifestExtensionValue): JsonObject {
  if (typeof value === 'string') return { valueString: value }
  if (typeof value === 'boolean') return { valueBoolean: value }
  return (value | 0) === value ? { valueInteger: value } : { valueDecimal: value }
}

function organizer({ outputOrganizedBy }: Manifest): JsonObject {
  return outputOrganizedBy === undefined ? {} : { outputOrganizedBy }
}

/** Files of an organised output have no type of their own (SHALL NOT). */
function outputFiles(
  { output, outputOrganizedBy }: Manifest,
  encodeFile: (file: ManifestFile) => JsonObject,
): readonly JsonObject[] {
  if (outputOrganizedBy === undefined) return output.map(encodeFile)
  return output.map((file) =>
    Object.fromEntries(Object.entries(encodeFile(file)).filter(([name]) => name !== 'type')),
  )
}

function linkTo(next: string | undefined): JsonObject {
  return next === undefined ? {} : { link: [{ relation: 'next', url: next }] }
}
