import { formatInstant } from '../calendar.ts'
import { CHEST_X_RAY_REPORT, RADIOLOGY_REPORT } from '../codes/laboratory.ts'
import { usCore } from '../codes/systems.ts'
import type { Json } from '../json-text.ts'
import type { Story, Visit } from '../story/story.ts'
import { attachment } from './document-reference.ts'

/** The report of a chest X-ray as DiagnosticReport, with its text inline. */
export function chestReport(story: Story, visit: Visit): Json {
  const { person, random } = story
  const issued = formatInstant(visit.end + random.between(600, 7200), 0, person.zone)
  const text =
    `CHEST, 2 VIEWS\n\nPatient:\t${person.display}\nAge:\t${visit.age}\n\n` +
    'FINDINGS: Heart size within normal limits. Lungs clear. No effusion.\n\n' +
    `IMPRESSION: "No acute disease."\n\nRead by ${visit.doctor.display}\n`
  return (
    `{"resourceType":"DiagnosticReport","id":"${random.uuid()}",` +
    `"meta":${usCore('diagnosticreport-note')},"status":"final","category":[${RADIOLOGY_REPORT}],` +
    `"code":${CHEST_X_RAY_REPORT},"subject":${person.subject},"encounter":${visit.reference},` +
    `"effectiveDateTime":"${visit.startText}","issued":"${issued}",` +
    `"performer":[${visit.doctor.reference}],"conclusion":"No acute disease.",` +
    `"presentedForm":[${attachment(text, 'Chest X-ray report', visit.endText)}]}`
  )
}
