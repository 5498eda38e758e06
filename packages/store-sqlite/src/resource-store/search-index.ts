import type { Database } from '../database.ts'
import type { SearchTerms } from './search-terms.ts'

/** The search terms of current versions. */
export class SearchIndex {
  readonly #statements

  constructor(database: Database) {
    this.#statements = {
      addIdentifier: database.prepare(
        'INSERT INTO search_identifier (node, type, value, system) VALUES (?, ?, ?, ?)',
      ),
      addName: database.prepare('INSERT INTO search_name (node, type, term) VALUES (?, ?, ?)'),
      removeIdentifiers: database.prepare('DELETE FROM search_identifier WHERE node = ?'),
      removeNames: database.prepare('DELETE FROM search_name WHERE node = ?'),
    }
  }

  add(node: number, code: number, terms: SearchTerms): void {
    for (const { value, system } of terms.identifiers) {
      this.#statements.addIdentifier.run(node, code, value, system)
    }
    for (const term of terms.names) this.#statements.addName.run(node, code, term)
  }

  remove(node: number): void {
    this.#statements.removeIdentifiers.run(node)
    this.#statements.removeNames.run(node)
  }
}
