/** A view: its name, and the query that it stands for. */
export interface View {
  /** Never the name of a resource type in lower case. */
  readonly name: string
  /** Types whose tables it reads. */
  readonly types: readonly string[]
  readonly query: string
}
