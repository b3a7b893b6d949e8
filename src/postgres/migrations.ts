/** One step from one version of the tables to the next. */
export interface Migration {
  /** What it adds, for the log. */
  readonly name: string
  /** Statements without parameters. They run in the schema of the lab, in one transaction with the other steps. */
  readonly sql: string
}

/**
 * The steps in order. The version of the tables is their number. Add new ones at the end, and never change one that was
 * released. Every statement must work on managed servers: no superuser, no extensions.
 */
export const migrations: readonly Migration[] = []
