/** Where STU1 with its technical correction is published. */
export const STU1 = 'https://hl7.org/fhir/uv/bulkdata/STU1.0.1/'

/** Where STU2 is published. */
export const STU2 = 'https://hl7.org/fhir/uv/bulkdata/STU2/'

/** Where STU3 is published. */
export const STU3 = 'https://hl7.org/fhir/uv/bulkdata/STU3/'

/** Where the continuous build of STU4 is, while it is a ballot. */
export const STU4 = 'https://build.fhir.org/ig/HL7/bulk-data/'

/** Where SMART App Launch 2.2, with Backend Services, is published. */
export const SMART = 'https://hl7.org/fhir/smart-app-launch/STU2.2/'
