import { formatDateTime, formatDay, DAY_SECONDS } from '../calendar.ts'
import { coding, quote, quoteAscii, type Json } from '../json-text.ts'
import { hl7, usCore } from '../codes/systems.ts'
import type { Random } from '../random.ts'
import { ageOn, type Person } from '../story/person.ts'

const BIRTH_SEX = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex'
const RECORD_NUMBER = `{"coding":[${coding(hl7('v2-0203'), 'MR', 'Medical record number')}],"text":"Medical record number"}`
const MARITAL_STATUS: readonly Json[] = [
  maritalStatus('S', 'Never Married'),
  maritalStatus('M', 'Married'),
  maritalStatus('M', 'Married'),
  maritalStatus('D', 'Divorced'),
  maritalStatus('W', 'Widowed'),
]
const ADULT_AGE = 18

function maritalStatus(code: string, display: string): Json {
  return `{"coding":[${coding(hl7('v3-MaritalStatus'), code, display)}],"text":"${display}"}`
}

/** A person as Patient. */
export function patient(person: Person, random: Random): Json {
  const { id, pool, sex, practice } = person
  return (
    `{"resourceType":"Patient","id":"${id}","meta":${usCore('patient')},${narrative(person)},` +
    `"extension":[${pool.race},${pool.ethnicity},` +
    `{"url":"${BIRTH_SEX}","valueCode":"${sex === 'female' ? 'F' : 'M'}"}],` +
    `"identifier":[{"use":"usual","type":${RECORD_NUMBER},` +
    `"system":"http://practice.example.org/medical-record-number",` +
    `"value":"MRN-${person.number.toString().padStart(8, '0')}"}],"active":true,` +
    `"name":[${names(person, random)}],"telecom":[${telecom(person, random)}],` +
    `"gender":"${sex}","birthDate":"${formatDay(person.birthDay)}",${deceased(person)}` +
    `"address":[{"use":"home","line":[${quote(person.addressLine)}],` +
    `"city":${quote(practice.place.city)},"state":"${practice.place.state}",` +
    `"postalCode":"${person.postalCode}","country":"US"}],` +
    `${marriage(person, random)}"communication":[${communication(person, random)}],` +
    `"generalPractitioner":[${person.doctor.reference}],"managingOrganization":${practice.reference}}`
  )
}

function narrative(person: Person): Json {
  const text = `${person.display}, born ${formatDay(person.birthDay)}`.replaceAll("'", '&#39;')
  return `"text":{"status":"generated","div":${quote(`<div xmlns="http://www.w3.org/1999/xhtml">${text}</div>`)}}`
}

/** Some names are spelled in escapes, and some people have a nickname in quotation marks. */
function names(person: Person, random: Random): Json {
  const { given, middle, family } = person
  const write = random.chance(60) ? quoteAscii : quote
  const official =
    `{"use":"official","text":${write(person.display)},"family":${write(family)},` +
    `"given":[${write(given)},${write(middle)}]}`
  if (!random.chance(80)) return official
  return `${official},{"use":"nickname","text":${quote(`${given} "${middle}" ${family}`)}}`
}

function telecom(person: Person, random: Random): Json {
  const phone = `{"system":"phone","value":"${person.phone}","use":"home"}`
  if (!random.chance(600)) return phone
  return `${phone},{"system":"email","value":"patient-${person.number}@mail.example.org","use":"home"}`
}

function deceased(person: Person): Json {
  if (person.deathDay === undefined) return ''
  // Late in the evening of the last day: nothing in the record can come after it.
  const second = person.deathDay * DAY_SECONDS + 23 * 3600 + 59 * 60
  return `"deceasedDateTime":"${formatDateTime(second, person.zone)}",`
}

function marriage(person: Person, random: Random): Json {
  const status = random.pick(MARITAL_STATUS)
  return ageOn(person, person.lastDay) < ADULT_AGE ? '' : `"maritalStatus":${status},`
}

function communication(person: Person, random: Random): Json {
  const { language, languageDisplay } = person.pool
  const [code, display] = random.chance(450)
    ? [language, languageDisplay]
    : ['en-US', 'English (United States)']
  return `{"language":{"coding":[${coding('urn:ietf:bcp:47', code, display)}]},"preferred":true}`
}
