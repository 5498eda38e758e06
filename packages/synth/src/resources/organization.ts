import { hl7Concept, NPI, usCore } from '../codes/systems.ts'
import { quote, type Json } from '../json-text.ts'
import type { Payer } from '../payers.ts'
import type { Practice } from '../practice.ts'

const PROVIDER = hl7Concept('organization-type', 'prov', 'Healthcare Provider')
const INSURER = hl7Concept('organization-type', 'ins', 'Insurance Company')

/** A practice as Organization. */
export function practiceOrganization(practice: Practice): Json {
  const { place } = practice
  return (
    `{"resourceType":"Organization","id":"${practice.id}","meta":${usCore('organization')},` +
    `"identifier":[{"system":"${NPI}","value":"${practice.npi}"}],"active":true,` +
    `"type":[${PROVIDER}],"name":${quote(practice.name)},` +
    `"telecom":[{"system":"phone","value":"${practice.phone}","use":"work"}],` +
    `"address":[{"use":"work","line":[${quote(practice.addressLine)}],"city":${quote(place.city)},` +
    `"state":"${place.state}","postalCode":"${practice.postalCode}","country":"US"}]}`
  )
}

/** A payer as Organization. */
export function payerOrganization(payer: Payer): Json {
  return (
    `{"resourceType":"Organization","id":"${payer.id}","meta":${usCore('organization')},` +
    `"active":true,"type":[${INSURER}],"name":${quote(payer.name)},` +
    `"telecom":[{"system":"url","value":"https://payer.example.org/","use":"work"}]}`
  )
}
