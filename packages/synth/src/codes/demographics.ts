import type { Json } from '../json-text.ts'

/** Sex at birth and administrative gender; the population keeps them equal. */
export type Sex = 'female' | 'male'

/** Names that suit each other. */
export interface NamePool {
  readonly weight: number
  readonly female: readonly string[]
  readonly male: readonly string[]
  readonly family: readonly string[]
  readonly race: Json
  readonly ethnicity: Json
  /** Preferred language (BCP 47) of those who do not prefer English. */
  readonly language: string
  readonly languageDisplay: string
}

const OMB = 'urn:oid:2.16.840.1.113883.6.238'
const US_CORE = 'http://hl7.org/fhir/us/core/StructureDefinition'

function ombExtension(name: 'race' | 'ethnicity', code: string, display: string): Json {
  return (
    `{"url":"${US_CORE}/us-core-${name}","extension":[` +
    `{"url":"ombCategory","valueCoding":{"system":"${OMB}","code":"${code}","display":"${display}"}},` +
    `{"url":"text","valueString":"${display}"}]}`
  )
}

const WHITE = ombExtension('race', '2106-3', 'White')
const BLACK = ombExtension('race', '2054-5', 'Black or African American')
const ASIAN = ombExtension('race', '2028-9', 'Asian')
const NATIVE = ombExtension('race', '1002-5', 'American Indian or Alaska Native')
const HISPANIC = ombExtension('ethnicity', '2135-2', 'Hispanic or Latino')
const NOT_HISPANIC = ombExtension('ethnicity', '2186-5', 'Not Hispanic or Latino')

export const NAME_POOLS: readonly NamePool[] = [
  {
    weight: 52,
    female: ['Emma', 'Olivia', 'Grace', 'Zoë', 'Renée', 'Chloë', 'Hannah', 'Laura', 'Megan'],
    male: ['James', 'William', 'Henry', 'Noah', 'Seán', 'Lucas', 'Peter', 'Björn', 'André'],
    family: [
      'Smith',
      'Johnson',
      "O'Brien",
      'Miller',
      'Müller',
      'Clark',
      'Nowak',
      'Łukasik',
      'Reed',
    ],
    race: WHITE,
    ethnicity: NOT_HISPANIC,
    language: 'en-US',
    languageDisplay: 'English (United States)',
  },
  {
    weight: 18,
    female: ['María', 'Sofía', 'Lucía', 'Inés', 'Elena', 'Ximena', 'Rosa', 'Begoña'],
    male: ['José', 'Andrés', 'Luis', 'Raúl', 'Íñigo', 'Diego', 'Martín', 'Ángel'],
    family: ['García', 'Núñez', 'Rodríguez', 'Pérez', 'Ibáñez', 'Flores', 'Treviño', 'Ortiz'],
    race: WHITE,
    ethnicity: HISPANIC,
    language: 'es',
    languageDisplay: 'Spanish',
  },
  {
    weight: 16,
    female: ['Aaliyah', 'Imani', 'Jada', 'Denise', 'Tamika', 'Simone', 'Ruth'],
    male: ['Malik', 'Andre', 'Darnell', 'Isaiah', 'Terrence', 'Elijah', 'Marcus'],
    family: ['Washington', 'Jefferson', 'Banks', 'Coleman', 'Adeyẹmi', 'Brooks', 'Haynes'],
    race: BLACK,
    ethnicity: NOT_HISPANIC,
    language: 'en-US',
    languageDisplay: 'English (United States)',
  },
  {
    weight: 10,
    female: ['伟莲', 'Mei', 'Hương', 'Yuki', '秀英', 'Priya', 'Linh'],
    male: ['伟', 'Wei', 'Đức', 'Haruto', '强', 'Arjun', 'Minh'],
    family: ['王', '李', 'Nguyễn', 'Tanaka', 'Patel', 'Trần', 'Chen'],
    race: ASIAN,
    ethnicity: NOT_HISPANIC,
    language: 'zh',
    languageDisplay: 'Chinese',
  },
  {
    weight: 4,
    female: ['Aiyana', 'Winona', 'Kaya', 'Leotie'],
    male: ['Ahanu', 'Chayton', 'Elan', 'Tahoma'],
    family: ['Begay', 'Yazzie', 'Tsosie', 'Benally'],
    race: NATIVE,
    ethnicity: NOT_HISPANIC,
    language: 'en-US',
    languageDisplay: 'English (United States)',
  },
]
