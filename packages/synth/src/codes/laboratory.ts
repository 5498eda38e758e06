import { coding, concept, quantity, type Json } from '../json-text.ts'
import { hl7, LOINC, loinc } from './systems.ts'

/** A laboratory test: its code, unit, normal range and the range that its results are drawn from. */
export interface LaboratoryTest {
  readonly code: Json
  readonly display: string
  readonly unit: string
  readonly ucum: string
  /** Digits after the point; the numbers below are whole numbers scaled by it. */
  readonly digits: number
  readonly normalLow: number
  readonly normalHigh: number
  /** Results of a healthy person lie around the normal range; `drift` is added by a disease. */
  readonly drift: number
  readonly referenceRange: Json
}

/** Tests that are ordered and reported together. */
export interface LaboratoryPanel {
  readonly code: Json
  readonly display: string
  readonly tests: readonly LaboratoryTest[]
  /** What the report costs, in cents. */
  readonly cents: number
}

interface TestFacts {
  readonly code: string
  readonly display: string
  readonly unit: string
  readonly ucum?: string
  readonly digits: number
  readonly normal: readonly [low: number, high: number]
  readonly drift?: number
}

function test(facts: TestFacts): LaboratoryTest {
  const { code, display, unit, digits } = facts
  const [normalLow, normalHigh] = facts.normal
  const ucum = facts.ucum ?? unit
  const low = quantity(scaled(normalLow, digits), unit, ucum)
  const high = quantity(scaled(normalHigh, digits), unit, ucum)
  return {
    code: loinc(code, display),
    display,
    unit,
    ucum,
    digits,
    normalLow,
    normalHigh,
    drift: facts.drift ?? 0,
    referenceRange: `[{"low":${low},"high":${high},"text":"${scaled(normalLow, digits)} - ${scaled(normalHigh, digits)} ${unit}"}]`,
  }
}

function scaled(value: number, digits: number): string {
  const text = value.toString().padStart(digits + 1, '0')
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`
}

const GLUCOSE = test({
  code: '2345-7',
  display: 'Glucose [Mass/volume] in Serum or Plasma',
  unit: 'mg/dL',
  digits: 0,
  normal: [70, 99],
  drift: 60,
})
const BASIC_TESTS: readonly LaboratoryTest[] = [
  GLUCOSE,
  test({
    code: '3094-0',
    display: 'Urea nitrogen [Mass/volume] in Serum or Plasma',
    unit: 'mg/dL',
    digits: 0,
    normal: [7, 20],
  }),
  test({
    code: '2160-0',
    display: 'Creatinine [Mass/volume] in Serum or Plasma',
    unit: 'mg/dL',
    digits: 2,
    normal: [60, 130],
    drift: 40,
  }),
  test({
    code: '17861-6',
    display: 'Calcium [Mass/volume] in Serum or Plasma',
    unit: 'mg/dL',
    digits: 1,
    normal: [85, 102],
  }),
  test({
    code: '2951-2',
    display: 'Sodium [Moles/volume] in Serum or Plasma',
    unit: 'mmol/L',
    digits: 0,
    normal: [136, 144],
  }),
  test({
    code: '2823-3',
    display: 'Potassium [Moles/volume] in Serum or Plasma',
    unit: 'mmol/L',
    digits: 1,
    normal: [37, 52],
  }),
  test({
    code: '2075-0',
    display: 'Chloride [Moles/volume] in Serum or Plasma',
    unit: 'mmol/L',
    digits: 0,
    normal: [97, 107],
  }),
  test({
    code: '2028-9',
    display: 'Carbon dioxide, total [Moles/volume] in Serum or Plasma',
    unit: 'mmol/L',
    digits: 0,
    normal: [22, 29],
  }),
]

export const BASIC_METABOLIC: LaboratoryPanel = {
  code: loinc('24321-2', 'Basic metabolic 2000 panel - Serum or Plasma'),
  display: 'Basic metabolic 2000 panel - Serum or Plasma',
  tests: BASIC_TESTS,
  cents: 3450,
}

export const COMPREHENSIVE_METABOLIC: LaboratoryPanel = {
  code: loinc('24323-8', 'Comprehensive metabolic 2000 panel - Serum or Plasma'),
  display: 'Comprehensive metabolic 2000 panel - Serum or Plasma',
  cents: 4880,
  tests: [
    ...BASIC_TESTS,
    test({
      code: '2885-2',
      display: 'Protein [Mass/volume] in Serum or Plasma',
      unit: 'g/dL',
      digits: 1,
      normal: [60, 83],
    }),
    test({
      code: '1751-7',
      display: 'Albumin [Mass/volume] in Serum or Plasma',
      unit: 'g/dL',
      digits: 1,
      normal: [35, 50],
    }),
    test({
      code: '1975-2',
      display: 'Bilirubin.total [Mass/volume] in Serum or Plasma',
      unit: 'mg/dL',
      digits: 2,
      normal: [20, 120],
    }),
    test({
      code: '6768-6',
      display: 'Alkaline phosphatase [Enzymatic activity/volume] in Serum or Plasma',
      unit: 'U/L',
      digits: 0,
      normal: [44, 147],
    }),
    test({
      code: '1742-6',
      display: 'Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma',
      unit: 'U/L',
      digits: 0,
      normal: [7, 56],
    }),
    test({
      code: '1920-8',
      display: 'Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma',
      unit: 'U/L',
      digits: 0,
      normal: [10, 40],
    }),
  ],
}

export const LIPIDS: LaboratoryPanel = {
  code: loinc('24331-1', 'Lipid 1996 panel - Serum or Plasma'),
  display: 'Lipid 1996 panel - Serum or Plasma',
  cents: 4125,
  tests: [
    test({
      code: '2093-3',
      display: 'Cholesterol [Mass/volume] in Serum or Plasma',
      unit: 'mg/dL',
      digits: 0,
      normal: [125, 200],
      drift: 55,
    }),
    test({
      code: '2571-8',
      display: 'Triglyceride [Mass/volume] in Serum or Plasma',
      unit: 'mg/dL',
      digits: 0,
      normal: [50, 150],
      drift: 70,
    }),
    test({
      code: '18262-6',
      display: 'Cholesterol in LDL [Mass/volume] in Serum or Plasma by Direct assay',
      unit: 'mg/dL',
      digits: 0,
      normal: [50, 100],
      drift: 50,
    }),
    test({
      code: '2085-9',
      display: 'Cholesterol in HDL [Mass/volume] in Serum or Plasma',
      unit: 'mg/dL',
      digits: 0,
      normal: [40, 80],
    }),
  ],
}

export const BLOOD_COUNT: LaboratoryPanel = {
  code: loinc('58410-2', 'CBC panel - Blood by Automated count'),
  display: 'CBC panel - Blood by Automated count',
  cents: 2975,
  tests: [
    test({
      code: '6690-2',
      display: 'Leukocytes [#/volume] in Blood by Automated count',
      unit: '10*3/uL',
      digits: 1,
      normal: [45, 110],
      drift: 40,
    }),
    test({
      code: '789-8',
      display: 'Erythrocytes [#/volume] in Blood by Automated count',
      unit: '10*6/uL',
      digits: 2,
      normal: [420, 580],
    }),
    test({
      code: '718-7',
      display: 'Hemoglobin [Mass/volume] in Blood',
      unit: 'g/dL',
      digits: 1,
      normal: [120, 175],
    }),
    test({
      code: '4544-3',
      display: 'Hematocrit [Volume Fraction] of Blood by Automated count',
      unit: '%',
      digits: 1,
      normal: [360, 500],
    }),
    test({
      code: '787-2',
      display: 'MCV [Entitic volume] by Automated count',
      unit: 'fL',
      digits: 1,
      normal: [800, 960],
    }),
    test({
      code: '785-6',
      display: 'MCH [Entitic mass] by Automated count',
      unit: 'pg',
      digits: 1,
      normal: [275, 332],
    }),
    test({
      code: '786-4',
      display: 'MCHC [Mass/volume] by Automated count',
      unit: 'g/dL',
      digits: 1,
      normal: [334, 355],
    }),
    test({
      code: '777-3',
      display: 'Platelets [#/volume] in Blood by Automated count',
      unit: '10*3/uL',
      digits: 0,
      normal: [150, 400],
    }),
  ],
}

export const HEMOGLOBIN_A1C: LaboratoryPanel = {
  code: loinc('4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood'),
  display: 'Hemoglobin A1c/Hemoglobin.total in Blood',
  cents: 2210,
  tests: [
    test({
      code: '4548-4',
      display: 'Hemoglobin A1c/Hemoglobin.total in Blood',
      unit: '%',
      digits: 1,
      normal: [40, 56],
      drift: 22,
    }),
  ],
}

export const THYROTROPIN: LaboratoryPanel = {
  code: loinc('3016-3', 'Thyrotropin [Units/volume] in Serum or Plasma'),
  display: 'Thyrotropin [Units/volume] in Serum or Plasma',
  cents: 3150,
  tests: [
    test({
      code: '3016-3',
      display: 'Thyrotropin [Units/volume] in Serum or Plasma',
      unit: 'mIU/L',
      ucum: 'm[IU]/L',
      digits: 2,
      normal: [45, 450],
      drift: 310,
    }),
  ],
}

export const COAGULATION: LaboratoryPanel = {
  code: loinc('6301-6', 'INR in Platelet poor plasma by Coagulation assay'),
  display: 'INR in Platelet poor plasma by Coagulation assay',
  cents: 1890,
  tests: [
    test({
      code: '6301-6',
      display: 'INR in Platelet poor plasma by Coagulation assay',
      unit: 'INR',
      ucum: '{INR}',
      digits: 2,
      normal: [80, 120],
      drift: 140,
    }),
  ],
}

export const ALBUMIN_CREATININE: LaboratoryPanel = {
  code: loinc('14959-1', 'Microalbumin/Creatinine [Mass Ratio] in Urine'),
  display: 'Microalbumin/Creatinine [Mass Ratio] in Urine',
  cents: 2640,
  tests: [
    test({
      code: '14959-1',
      display: 'Microalbumin/Creatinine [Mass Ratio] in Urine',
      unit: 'mg/g',
      digits: 1,
      normal: [20, 300],
      drift: 180,
    }),
  ],
}

/** Category of a laboratory report. */
export const LABORATORY_REPORT: Json = concept([coding(hl7('v2-0074'), 'LAB', 'Laboratory')])
/** Category of a radiology report, as US Core wants it. */
export const RADIOLOGY_REPORT: Json = concept([coding(LOINC, 'LP29684-5', 'Radiology')])
/** Code of the report of a chest X-ray. */
export const CHEST_X_RAY_REPORT: Json = loinc('36643-5', 'XR Chest 2 Views')
