/**
 * Which resources a kick-off request is about.
 *
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#endpoints | Bulk Data: Endpoints}
 */
export type ExportLevel = 'system' | 'patient' | 'group'
