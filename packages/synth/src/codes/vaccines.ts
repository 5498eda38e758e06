import { dayOf } from '../calendar.ts'
import { coding, concept, type Json } from '../json-text.ts'
import { CVX } from './systems.ts'

/** A vaccine, and the age at which it is due. */
export interface VaccineCode {
  readonly concept: Json
  /** Due when the person is at least so many days old … */
  readonly fromDays: number
  /** … and younger than this. */
  readonly toDays: number
  readonly doses: number
  /** Millilitres of a dose, times 100. */
  readonly doseHundredths: number
  /** First day on which it is given; see `calendar.ts`. */
  readonly sinceDay?: number
}

interface VaccineFacts {
  readonly years: readonly [from: number, to: number]
  readonly doses?: number
  readonly doseHundredths?: number
  readonly sinceDay?: number
}

function vaccine(cvx: string, display: string, facts: VaccineFacts): VaccineCode {
  const [from, to] = facts.years
  return {
    concept: concept([coding(CVX, cvx, display)], display),
    fromDays: Math.floor(from * 365),
    toDays: Math.floor(to * 365),
    doses: facts.doses ?? 1,
    doseHundredths: facts.doseHundredths ?? 50,
    ...(facts.sinceDay === undefined ? {} : { sinceDay: facts.sinceDay }),
  }
}

/** Given every year. */
export const INFLUENZA: VaccineCode = vaccine(
  '140',
  'Influenza, seasonal, injectable, preservative free',
  { years: [0.5, 120] },
)

/** Given once per dose, in this order of preference. */
export const SCHEDULED_VACCINES: readonly VaccineCode[] = [
  vaccine('08', 'Hep B, adolescent or pediatric', { years: [0, 18], doses: 3 }),
  vaccine('119', 'rotavirus, monovalent', { years: [0.15, 0.7], doses: 2, doseHundredths: 100 }),
  vaccine('20', 'DTaP', { years: [0.15, 7], doses: 5 }),
  vaccine('49', 'Hib (PRP-OMP)', { years: [0.15, 5], doses: 3 }),
  vaccine('133', 'Pneumococcal conjugate PCV 13', { years: [0.15, 5], doses: 4 }),
  vaccine('10', 'IPV', { years: [0.15, 18], doses: 4 }),
  vaccine('03', 'MMR', { years: [1, 18], doses: 2 }),
  vaccine('21', 'varicella', { years: [1, 18], doses: 2 }),
  vaccine('83', 'Hep A, ped/adol, 2 dose', { years: [1, 18], doses: 2 }),
  vaccine('62', 'HPV, quadrivalent', { years: [11, 26], doses: 2 }),
  vaccine('114', 'meningococcal MCV4P', { years: [11, 21], doses: 2 }),
  vaccine('115', 'Tdap', { years: [11, 65] }),
  vaccine('208', 'COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose', {
    years: [12, 120],
    doses: 2,
    doseHundredths: 30,
    sinceDay: dayOf(2021, 4, 15),
  }),
  vaccine('187', 'zoster recombinant', { years: [50, 120], doses: 2, sinceDay: dayOf(2018, 1, 1) }),
  vaccine('33', 'pneumococcal polysaccharide vaccine, 23 valent', { years: [65, 120] }),
  vaccine('113', 'Td (adult) preservative free', { years: [21, 120] }),
]
