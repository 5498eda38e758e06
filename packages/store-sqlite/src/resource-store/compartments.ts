import type { Database } from '../database.ts'

/** `version.patient` of a resource in several compartments; `shared_compartment` names them. */
export const SEVERAL_PATIENTS = -1

/** A place of a version in compartments. */
export interface Placement {
  readonly code: number
  readonly key: number
  readonly patients: readonly number[]
}

/** Which patients' compartments each version is in. */
export class Compartments {
  readonly #add
  readonly #share
  readonly #shared

  constructor(database: Database) {
    this.#add = database.prepare(
      'INSERT OR IGNORE INTO compartment (patient, type, key) VALUES (?, ?, ?)',
    )
    this.#share = database.prepare(
      'INSERT OR IGNORE INTO shared_compartment (key, patient) VALUES (?, ?)',
    )
    this.#shared = database.prepare('SELECT patient FROM shared_compartment WHERE key = ?')
  }

  /** What `version.patient` says of these patients. */
  static mark(patients: readonly number[]): number | null {
    return patients.length > 1 ? SEVERAL_PATIENTS : (patients[0] ?? null)
  }

  /** Places a version that was just written with `Compartments.mark(patients)`. */
  place({ code, key, patients }: Placement): void {
    for (const patient of patients) this.#add.run(patient, code, key)
    if (patients.length > 1) for (const patient of patients) this.#share.run(key, patient)
  }

  /** Patients of a version, given what its row says. */
  patientsOf(key: number, mark: number | null): readonly number[] {
    if (mark === null) return []
    if (mark !== SEVERAL_PATIENTS) return [mark]
    return (this.#shared.all(key) as { patient: number }[]).map(({ patient }) => patient)
  }
}
