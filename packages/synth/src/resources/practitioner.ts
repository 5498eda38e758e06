import { hl7, NPI, usCore } from '../codes/systems.ts'
import { coding, concept, quote, type Json } from '../json-text.ts'
import type { Practice, Practitioner } from '../practice.ts'

const QUALIFICATIONS = {
  MD: concept([coding(hl7('v2-0360'), 'MD', 'Doctor of Medicine')]),
  NP: concept([coding(hl7('v2-0360'), 'NP', 'Nurse Practitioner')]),
} as const

/** A clinician as Practitioner. */
export function practitioner(person: Practitioner): Json {
  const { given, family, specialty } = person
  return (
    `{"resourceType":"Practitioner","id":"${person.id}","meta":${usCore('practitioner')},` +
    `"identifier":[{"use":"official","system":"${NPI}","value":"${person.npi}"}],"active":true,` +
    `"name":[{"use":"official","text":${quote(person.display)},"family":${quote(family)},` +
    `"given":[${quote(given)}],"suffix":["${specialty.suffix}"]}],` +
    `"telecom":[{"system":"email","value":"npi-${person.npi}@practice.example.org","use":"work"}],` +
    `"gender":"${person.sex}","qualification":[{"code":${QUALIFICATIONS[specialty.suffix]}}]}`
  )
}

const DOCTOR = concept([coding(hl7('practitioner-role'), 'doctor', 'Doctor')])
const NURSE = concept([coding(hl7('practitioner-role'), 'nurse', 'Nurse')])

/** The work of a clinician at his practice as PractitionerRole. */
export function practitionerRole(person: Practitioner, practice: Practice): Json {
  return (
    `{"resourceType":"PractitionerRole","id":"${person.roleId}",` +
    `"meta":${usCore('practitionerrole')},"active":true,"practitioner":${person.reference},` +
    `"organization":${practice.reference},"code":[${person.specialty.suffix === 'MD' ? DOCTOR : NURSE}],` +
    `"specialty":[${person.specialty.concept}],` +
    `"location":[${practice.clinic.reference},${practice.hospital.reference}],` +
    `"telecom":[{"system":"phone","value":"${practice.phone}","use":"work"}]}`
  )
}
