import {
  codeOf,
  column,
  concept,
  identifier,
  money,
  period,
  reference,
  referenceTo,
  text,
  type Column,
} from '../column.ts'

const CLAIM: readonly Column[] = [
  referenceTo('Patient', 'patient', 'patient'),
  ...identifier(),
  text('status', 'status'),
  codeOf('type', 'type'),
  codeOf('sub_type', 'subType'),
  text('use', 'use'),
  ...period('billable', 'billablePeriod'),
  column('created', 'instant', 'created'),
  ...reference('insurer', 'insurer'),
  ...reference('provider', 'provider'),
  referenceTo('Encounter', 'encounter', 'item[0].encounter[0]'),
  ...concept('product_or_service', 'item[0].productOrService'),
  referenceTo('Coverage', 'coverage', 'insurance[0].coverage'),
  text('coverage_display', 'insurance[0].coverage.display'),
]

const DIAGNOSIS: readonly Column[] = [
  ...concept('diagnosis', 'diagnosis[0].diagnosisCodeableConcept'),
  referenceTo('Condition', 'diagnosis_condition', 'diagnosis[0].diagnosisReference'),
]

/** Columns of what is billed and paid. */
export const CLAIM_COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Claim: [
    ...CLAIM,
    codeOf('priority', 'priority'),
    ...DIAGNOSIS,
    referenceTo('MedicationRequest', 'prescription', 'prescription'),
    referenceTo('Location', 'facility', 'facility'),
    ...money('total', 'total'),
  ],
  ClaimResponse: [
    referenceTo('Patient', 'patient', 'patient'),
    ...identifier(),
    text('status', 'status'),
    codeOf('type', 'type'),
    text('use', 'use'),
    column('created', 'instant', 'created'),
    ...reference('insurer', 'insurer'),
    ...reference('requestor', 'requestor'),
    referenceTo('Claim', 'claim', 'request'),
    text('outcome', 'outcome'),
    text('disposition', 'disposition'),
    ...money('payment', 'payment.amount'),
    column('payment_date', 'date', 'payment.date'),
    text('total', 'total'),
  ],
  ExplanationOfBenefit: [
    ...CLAIM,
    text('outcome', 'outcome'),
    referenceTo('Claim', 'claim', 'claim'),
    ...DIAGNOSIS,
    referenceTo('Location', 'facility', 'facility'),
    ...money('payment', 'payment.amount'),
    column('payment_date', 'date', 'payment.date'),
    codeOf('total_category', 'total[0].category'),
    ...money('total', 'total[0].amount'),
    text('totals', 'total'),
  ],
}
