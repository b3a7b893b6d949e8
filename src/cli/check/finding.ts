/** The result of a check of the installation. `note`: nothing is wrong, but the user may want to know. */
export interface Finding {
  readonly check: CheckName
  readonly status: 'ok' | 'note' | 'warning' | 'error'
  readonly message: string
  /** How to solve it. */
  readonly fix?: string
}

type CheckName =
  | 'program'
  | 'packages'
  | 'machine'
  | 'clock'
  | 'names'
  | 'configuration'
  | 'database'
  | 'bucket'
  | 'lab'
  | 'trust'
