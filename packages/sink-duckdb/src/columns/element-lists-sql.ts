const US_CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/'

/**
 * SQL of a member of the identifier that is a medical record number (type code `MR`), or else of the
 * first.
 *
 * @param list - SQL of the JSON text of a list of identifiers.
 */
export function medicalRecordNumberSql(list: string, member: 'value' | 'system'): string {
  const elements = elementsSql(list)
  const isMedicalRecordNumber = `list_contains(json_extract_string(e, '$.type.coding[*].code'), 'MR')`
  const chosen = `list_filter(${elements}, lambda e: ${isMedicalRecordNumber})[1]`
  return `json_extract_string(coalesce(${chosen}, ${elements}[1]), '$.${member}')`
}

/**
 * SQL of the text of US Core's race or ethnicity: its `text`, or the display of its first category.
 *
 * @param list - SQL of the JSON text of a list of extensions.
 */
export function usCoreTextSql(list: string, name: 'us-core-race' | 'us-core-ethnicity'): string {
  const extension = withUrl(elementsSql(list), `${US_CORE}${name}`)
  const parts = `json_extract(${extension}, '$.extension[*]')`
  const text = `json_extract_string(${withUrl(parts, 'text')}, '$.valueString')`
  const category = `json_extract_string(${withUrl(parts, 'ombCategory')}, '$.valueCoding.display')`
  return `coalesce(${text}, ${category})`
}

function elementsSql(list: string): string {
  return `TRY(json_extract(${list}, '$[*]'))`
}

function withUrl(elements: string, url: string): string {
  return `list_filter(${elements}, lambda e: json_extract_string(e, '$.url') = '${url}')[1]`
}
