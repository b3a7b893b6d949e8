/** Where an account comes from that is not in the configuration itself. */
export interface AccountOrigin {
  /** The file, as an absolute path. */
  readonly file: string
  readonly line: number
  /** Its place in `directory.accountFiles`. */
  readonly index: number
}

/** A password in clear text, or what can only verify one. */
export type KnownPassword = { readonly password: string } | { readonly passwordHash: string }

/** An account of a file. */
export interface FileEntry {
  readonly line: number
  readonly user: string
  readonly password?: string
  readonly passwordHash?: string
  readonly addresses?: string[]
  readonly state?: 'disabled'
}

/** The accounts of a file. Wrong lines are left out. */
export interface FileEntries {
  readonly entries: readonly FileEntry[]
  readonly mistakes: readonly { readonly line: number; readonly message: string }[]
}
