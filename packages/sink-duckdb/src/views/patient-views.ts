import type { View } from './view.ts'

/**
 * Who became whom, however many merges lie between. The survivor is who was not merged away; where
 * merges go round in a circle, the circle's smallest id.
 */
const PATIENT_MERGES = `
WITH RECURSIVE reached (source, patient, target) AS (
  SELECT source, patient, replaced_by FROM sync.merges
  UNION
  SELECT r.source, r.patient, m.replaced_by
  FROM reached r JOIN sync.merges m ON m.source = r.source AND m.patient = r.target
),
circles AS (SELECT source, patient FROM reached WHERE patient = target),
survivors AS (
  SELECT r.source, r.patient, coalesce(
    min(r.target) FILTER (NOT EXISTS (
      SELECT 1 FROM sync.merges m WHERE m.source = r.source AND m.patient = r.target)),
    min(r.target) FILTER (EXISTS (
      SELECT 1 FROM circles c WHERE c.source = r.source AND c.patient = r.target))
  ) AS survivor
  FROM reached r GROUP BY r.source, r.patient
)
SELECT source, patient, survivor FROM survivors WHERE survivor <> patient`

const PATIENTS = `
SELECT
  coalesce(m.survivor, p.id) AS id,
  p.mrn, p.family_name, p.given_name, p.birth_date,
  date_sub('year', p.birth_date, coalesce(p.deceased_at::DATE, current_date)) AS age,
  p.gender,
  (coalesce(p.deceased, false) OR p.deceased_at IS NOT NULL) AS is_deceased,
  p.deceased_at, p.race, p.ethnicity, p.city, p.state, p.postal_code,
  list_sort(coalesce(list(p.id) FILTER (m.survivor IS NOT NULL) OVER identity, [])) AS merged_ids,
  p._source
FROM patient p LEFT JOIN patient_merges m ON m.source = p._source AND m.patient = p.id
WINDOW identity AS (PARTITION BY p._source, coalesce(m.survivor, p.id))
QUALIFY row_number() OVER (
  PARTITION BY p._source, coalesce(m.survivor, p.id)
  ORDER BY m.survivor IS NOT NULL, p.last_updated DESC NULLS LAST, p.id) = 1`

/** Views about who the patients are. */
export const PATIENT_VIEWS: readonly View[] = [
  { name: 'patient_merges', types: [], query: PATIENT_MERGES },
  { name: 'patients', types: ['Patient'], query: PATIENTS },
]
