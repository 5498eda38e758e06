import { formatDateTime, formatInstant } from '../calendar.ts'
import { usCore } from '../codes/systems.ts'
import type { Json } from '../json-text.ts'
import type { Random } from '../random.ts'
import type { Person } from '../story/person.ts'
import type { Visit } from '../story/story.ts'

/** What one Observation says. */
export interface ObservationFacts {
  readonly id: string
  /** US Core profile, without its prefix. */
  readonly profile: string
  readonly category: Json
  readonly code: Json
  /** The members that hold the result, for example `"valueQuantity":{…}`. */
  readonly result: Json
}

/** When the observations of a visit were made and published, as ready text. */
export interface ObservationTimes {
  readonly effective: string
  readonly issued: string
}

/** Draws times for the observations of a visit: they are made within it. */
export function observationTimes(
  at: { readonly person: Person; readonly visit: Visit; readonly random: Random },
  issuedAfter: readonly [seconds: number, seconds: number],
): ObservationTimes {
  const { person, visit, random } = at
  // The shortest visit takes ten minutes.
  const second = visit.start + random.between(1, 9) * 60
  const issued = visit.end + random.between(issuedAfter[0], issuedAfter[1])
  return {
    effective: formatDateTime(second, person.zone),
    issued: formatInstant(issued, random.below(1000), person.zone),
  }
}

/** Writes an Observation. */
export function observation(
  at: { readonly person: Person; readonly visit: Visit; readonly times: ObservationTimes },
  facts: ObservationFacts,
): Json {
  const { person, visit, times } = at
  return (
    `{"resourceType":"Observation","id":"${facts.id}","meta":${usCore(facts.profile)},` +
    `"status":"final","category":[${facts.category}],"code":${facts.code},` +
    `"subject":${person.subject},"encounter":${visit.reference},` +
    `"effectiveDateTime":"${times.effective}","issued":"${times.issued}",` +
    `"performer":[${visit.doctor.reference}],${facts.result}}`
  )
}
