/** Text of JSON, as the builders of resources put it together. */
export type Json = string

/** A JSON string, escaped. */
export function quote(text: string): Json {
  return JSON.stringify(text)
}

/**
 * A JSON string in which every character outside ASCII is an escape. Another spelling of the same
 * value: software that keeps bytes keeps it, software that re-serialises does not.
 */
export function quoteAscii(text: string): Json {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/**
 * A decimal with a fixed number of digits after the point, from a whole number: `decimal(150, 2)` is
 * `1.50`. FHIR decimals have a precision, so the zeros at the end mean something.
 */
export function decimal(scaled: number, digits: number): Json {
  if (digits === 0) return scaled.toString()
  const sign = scaled < 0 ? '-' : ''
  const text = Math.abs(scaled)
    .toString()
    .padStart(digits + 1, '0')
  const point = text.length - digits
  return `${sign}${text.slice(0, point)}.${text.slice(point)}`
}

/** A Coding. */
export function coding(system: string, code: string, display: string): Json {
  return `{"system":"${system}","code":"${code}","display":${quote(display)}}`
}

/** A CodeableConcept of one or more Codings. */
export function concept(codings: readonly Json[], text?: string): Json {
  const suffix = text === undefined ? '' : `,"text":${quote(text)}`
  return `{"coding":[${codings.join(',')}]${suffix}}`
}

/** A Reference with a display. */
export function reference(type: string, id: string, display: string): Json {
  return `{"reference":"${type}/${id}","display":${quote(display)}}`
}

/** An amount of US dollars, from cents. */
export function money(cents: number): Json {
  return `{"value":${decimal(cents, 2)},"currency":"USD"}`
}

/** A Quantity in a UCUM unit. */
export function quantity(value: Json, unit: string, ucum: string = unit): Json {
  return `{"value":${value},"unit":"${unit}","system":"http://unitsofmeasure.org","code":"${ucum}"}`
}
