import { coding, concept, type Json } from '../json-text.ts'

/** Canonical addresses of the code systems used. */
export const LOINC = 'http://loinc.org'
export const SNOMED_CT = 'http://snomed.info/sct'
export const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm'
export const CVX = 'http://hl7.org/fhir/sid/cvx'
export const ICD_10_CM = 'http://hl7.org/fhir/sid/icd-10-cm'
export const PROVIDER_TAXONOMY = 'http://nucc.org/provider-taxonomy'
export const NPI = 'http://hl7.org/fhir/sid/us-npi'
export const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'

/** The address of one of the code systems that HL7 keeps in its terminology. */
export function hl7(name: string): string {
  return `http://terminology.hl7.org/CodeSystem/${name}`
}

/** A CodeableConcept with one SNOMED CT code. */
export function snomed(code: string, display: string): Json {
  return concept([coding(SNOMED_CT, code, display)], display)
}

/** A CodeableConcept with one LOINC code. */
export function loinc(code: string, display: string): Json {
  return concept([coding(LOINC, code, display)], display)
}

/** A CodeableConcept with one code of HL7's terminology. */
export function hl7Concept(system: string, code: string, display: string): Json {
  return concept([coding(hl7(system), code, display)])
}

/** A `meta` element that claims one US Core profile. */
export function usCore(profile: string): Json {
  return `{"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-${profile}"]}`
}
