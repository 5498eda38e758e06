/** The id of a requirement of Bulk Data Access 2.0.0; the numbers are those of Inferno's test kit. */
export function bulkData(number: number): string {
  return `hl7.fhir.uv.bulkdata_2.0.0@${number}`
}

/** The id of a requirement of SMART App Launch 2.2.0; the numbers are those of Inferno's test kit. */
export function smart(number: number): string {
  return `hl7.fhir.uv.smart-app-launch_2.2.0@${number}`
}

/** The id of one of our own rows for STU1. */
export function stu1(name: string): string {
  return `flatfhir.stu1@${name}`
}

/** The id of one of our own rows for STU3. */
export function stu3(name: string): string {
  return `flatfhir.stu3@${name}`
}

/** The id of one of our own rows for STU4. */
export function stu4(name: string): string {
  return `flatfhir.stu4@${name}`
}
