/** One person or program that can log on. */
export interface Account {
  readonly user: string
  /** In clear, as a lab knows it; absent where any password is right (open directory). */
  readonly password?: string
  readonly addresses: readonly string[]
}

/** The accounts of a lab. */
export interface Directory {
  readonly domain: string
  readonly mode: 'listed' | 'open'
  /**
   * The account of a log-on name, in any of the forms that Exchange takes: `user`, `user@domain`, `DOMAIN\user`.
   * An open directory makes one on first use.
   */
  find(name: string): Account | undefined
  /** The account, if name and password are right. Compares in constant time. */
  authenticate(name: string, password: string): Account | undefined
  /** The account that a mail address belongs to; subaddresses (`alice+tag@…`, RFC 5233) are the account's. */
  findByAddress(address: string): Account | undefined
  /** Whether mail for this domain is delivered here. */
  isLocalDomain(domain: string): boolean
  accounts(): readonly Account[]
}
