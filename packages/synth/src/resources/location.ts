import { hl7, hl7Concept, usCore } from '../codes/systems.ts'
import { coding, decimal, quote, type Json } from '../json-text.ts'
import type { Practice, PracticeLocation } from '../practice.ts'

const OFFICE = hl7Concept('v3-RoleCode', 'PROFF', "Provider's Office")
const HOSPITAL = hl7Concept('v3-RoleCode', 'HOSP', 'Hospital')
const BUILDING = `{"coding":[${coding(hl7('location-physical-type'), 'bu', 'Building')}]}`

/** A clinic or a hospital of a practice as Location. */
export function location(place: PracticeLocation, practice: Practice): Json {
  const { city, state } = practice.place
  return (
    `{"resourceType":"Location","id":"${place.id}","meta":${usCore('location')},"status":"active",` +
    `"name":${quote(place.name)},"mode":"instance","type":[${place.isHospital ? HOSPITAL : OFFICE}],` +
    `"telecom":[{"system":"phone","value":"${practice.phone}","use":"work"}],` +
    `"address":{"line":[${quote(practice.addressLine)}],"city":${quote(city)},"state":"${state}",` +
    `"postalCode":"${practice.postalCode}","country":"US"},"physicalType":${BUILDING},` +
    `"position":{"longitude":${decimal(place.longitude, 5)},"latitude":${decimal(place.latitude, 5)}},` +
    `"managingOrganization":${practice.reference}}`
  )
}
