import type { View } from './view.ts'

const CONDITIONS_BY_CODE = `
SELECT
  c.code_system, c.code, max(coalesce(c.code_display, c.code_text)) AS display,
  count(DISTINCT (c._source, ${living('c')})) AS patients,
  count(*) AS conditions,
  count(*) FILTER (c.clinical_status IN ('active', 'recurrence', 'relapse')) AS active
FROM condition c ${withMerges('c')}
WHERE c.verification_status IS DISTINCT FROM 'entered-in-error'
  AND c.verification_status IS DISTINCT FROM 'refuted'
GROUP BY c.code_system, c.code, CASE WHEN c.code IS NULL THEN c.code_text END
ORDER BY patients DESC, conditions DESC, c.code`

const LATEST_VITAL_SIGNS = `
SELECT
  ${living('o')} AS patient,
  o.code_system, o.code, coalesce(o.code_display, o.code_text) AS display,
  o.effective, o.value, o.value_unit, o.value_concept_display, o.components, o.id AS observation,
  o._source
FROM observation o ${withMerges('o')}
WHERE o.category = 'vital-signs' AND o.patient IS NOT NULL
  AND o.status IS DISTINCT FROM 'entered-in-error' AND o.status IS DISTINCT FROM 'cancelled'
QUALIFY row_number() OVER (
  PARTITION BY o._source, ${living('o')}, o.code_system, o.code
  ORDER BY o.effective DESC NULLS LAST, o.issued DESC NULLS LAST, o.id) = 1`

const ENCOUNTERS_PER_MONTH = `
SELECT
  (date_trunc('month', e.period_start AT TIME ZONE 'UTC'))::DATE AS "month",
  e.class,
  count(*) AS encounters,
  count(DISTINCT (e._source, ${living('e')})) AS patients
FROM encounter e ${withMerges('e')}
WHERE e.period_start IS NOT NULL
  AND e.status IS DISTINCT FROM 'entered-in-error' AND e.status IS DISTINCT FROM 'cancelled'
GROUP BY ALL
ORDER BY "month", e.class`

const MEDICATIONS_PER_PATIENT = `
SELECT
  ${living('r')} AS patient,
  coalesce(r.medication_system, d.code_system) AS code_system,
  coalesce(r.medication, d.code) AS code,
  max(coalesce(r.medication_display, r.medication_text, d.code_display, d.code_text,
    r.medication_reference_display)) AS display,
  count(*) AS requests,
  count(*) FILTER (r.status = 'active') AS active,
  min(r.authored_on) AS first_authored_on,
  max(r.authored_on) AS last_authored_on,
  r._source
FROM medicationrequest r ${withMerges('r')}
LEFT JOIN medication d ON d._source = r._source AND d.id = r.medication_reference
WHERE r.patient IS NOT NULL AND r.status IS DISTINCT FROM 'entered-in-error'
GROUP BY r._source, ${living('r')}, coalesce(r.medication_system, d.code_system),
  coalesce(r.medication, d.code), CASE WHEN coalesce(r.medication, d.code) IS NULL
    THEN coalesce(r.medication_text, d.code_text, r.medication_reference) END`

/** Views about what was found and done. */
export const CLINICAL_VIEWS: readonly View[] = [
  { name: 'conditions_by_code', types: ['Condition'], query: CONDITIONS_BY_CODE },
  { name: 'latest_vital_signs', types: ['Observation'], query: LATEST_VITAL_SIGNS },
  { name: 'encounters_per_month', types: ['Encounter'], query: ENCOUNTERS_PER_MONTH },
  {
    name: 'medications_per_patient',
    types: ['MedicationRequest', 'Medication'],
    query: MEDICATIONS_PER_PATIENT,
  },
]

/** The patient of a row, or who that patient became. Needs {@link withMerges}. */
function living(alias: string): string {
  return `coalesce(${alias}_merge.survivor, ${alias}.patient)`
}

function withMerges(alias: string): string {
  return `LEFT JOIN patient_merges ${alias}_merge
  ON ${alias}_merge.source = ${alias}._source AND ${alias}_merge.patient = ${alias}.patient`
}
