import type { PasswordForm } from '../../core/config/accounts/known-passwords.ts'
import type { ScramPassword } from '../../core/config/accounts/password-hash.ts'
import type { AccountState, Quota } from '../../core/config/schema/directory.ts'
import type { OutOfOffice } from '../../core/config/schema/reports.ts'

/** A person or program that can log on. */
export interface Account {
  readonly user: string
  /** In clear text. Absent in an open directory, which accepts any password, and where only a hash is known. */
  readonly password?: string | undefined
  /** The hash of the password, if the password is not known. */
  readonly passwordHash?: string | undefined
  readonly addresses: readonly string[]
  /** The file that lists it. Absent: the configuration itself lists it, or it was added. */
  readonly file?: string | undefined
  /** How much it may store. Absent: no limit. */
  readonly quota?: Quota | undefined
  /** Why it may not log on. Absent: it may. */
  readonly state?: AccountState | undefined
  /** Whether mail and news clients need an app password. */
  readonly twoFactor?: boolean | undefined
  readonly appPasswords?: readonly { readonly name: string; readonly password: string }[] | undefined
  /** Log-on names of the accounts that may act for this one. */
  readonly delegates?: readonly string[] | undefined
  /** Its automatic reply. Absent: none. */
  readonly outOfOffice?: OutOfOffice | undefined
  /** The Sieve script that the configuration gives it. */
  readonly sieve?: string | undefined
  /** The IMAP4 server to which it is referred. RFC 2221. */
  readonly referral?: string | undefined
  /** Its mailboxes on other IMAP4 servers, by name. RFC 2193. */
  readonly mailboxReferrals?: Readonly<Record<string, string>> | undefined
}

/** The properties of an account that can change while the lab runs. */
export type AccountChanges = Partial<
  Pick<Account, 'password' | 'passwordHash' | 'state' | 'twoFactor' | 'appPasswords' | 'delegates' | 'outOfOffice'>
>

/** An account that is created. */
export interface NewAccount extends Omit<Account, 'addresses'> {
  /** Default: its name at the domain. */
  readonly addresses?: readonly string[]
}

/** An account of the directory. `isNew`: it was just added. */
export interface AddedAccount {
  readonly account: Account
  readonly isNew: boolean
}

/** A password that logs on to an account. */
export interface Secret {
  readonly password: string
  /** The name of an app password. Absent for the password of the account itself. */
  readonly name?: string
}

/** A client's proof: its account, and its password if it used one. */
export interface Proof {
  readonly account: Account
  readonly secret?: Secret
}

/** The accounts of a lab. */
export interface Directory {
  readonly domain: string
  readonly mode: 'listed' | 'open'
  /**
   * Whether mail for unknown accounts of the lab's own domain is refused, or captured by the lab, or whether mail for any
   * address creates its account.
   */
  readonly unknown: 'refuse' | 'capture' | 'create'
  /** Whether an account is referred to another IMAP4 server, or a mailbox of it is on one. */
  readonly hasReferrals: boolean
  /**
   * Finds an account by log-on name, in any form that Exchange accepts: `user`, `user@domain`, `DOMAIN\user`.
   * An open directory returns an account for every valid name. Looking it up does not create it: `add` does.
   */
  find(name: string): Account | undefined
  /**
   * Returns the account whose name and password, or app password, are right, whether it may log on or not. An unknown name
   * takes as long as some account.
   * @param isGone returns whether the client no longer waits for the answer
   */
  checkPassword(name: string, password: string, isGone?: () => boolean): Promise<Proof | undefined>
  /** Returns the account if name and password are right and its state allows the log-on. No app password is right here. */
  authenticate(name: string, password: string): Promise<Account | undefined>
  /**
   * Returns the passwords to compare a proof with. The number is the same for every name, known or not, so that every log-on
   * takes the same work. Missing passwords, and passwords that only a hash describes, are random.
   */
  secretsOf(account: Account | undefined): readonly Secret[]
  /** Returns whether the directory knows enough of every password for a mechanism. */
  knowsPasswords(form: PasswordForm): boolean
  /** Returns the keys that an account has instead of a password. Without an account: those of any account, if one has some. */
  scramPassword(hash: string, account?: Account): ScramPassword | undefined
  /**
   * Finds the account that a mail address belongs to, subaddresses (`alice+tag@…`, RFC 5233) included. In an open
   * directory, every valid address of the local domain has an account, as for `find`; where unknown accounts are created,
   * every valid address has one.
   */
  findByAddress(address: string): Account | undefined
  /** Returns the same text for every form of a log-on name, whether the account exists or not. */
  canonicalName(name: string): string
  /** Returns whether two results of `find` or `findByAddress` are the same account. */
  isSame(one: Account | undefined, other: Account | undefined): boolean
  /**
   * Adds an account until the lab stops: one that is created, or one that an open directory returned and that is used,
   * because a log-on succeeded or mail is being stored. Returns the account that already has this name, if any. All nodes of
   * a lab have it then. Like `remove` and `change`, throws the temporary error of the database that they share. Returns a
   * promise only if the account is new.
   */
  add(account: NewAccount): AddedAccount | Promise<AddedAccount>
  /** Removes an account that was added. Those of the configuration stay. */
  remove(account: Account): Promise<void>
  /** Returns whether an account is one of the configuration. */
  isConfigured(account: Account): boolean
  /**
   * Changes an account until the lab stops, also one of the configuration, or one that an open directory returned; a reload
   * keeps the changes.
   * @param changes undefined: takes back all changes
   */
  change(account: Account, changes: AccountChanges | undefined): Promise<void>
  /** Resolves once the accounts are known that other nodes have added before the call. Returns nothing to wait for if they are. */
  refresh(): Promise<void> | undefined
  /** Returns whether the lab delivers mail for this domain to its accounts. */
  isLocalDomain(domain: string): boolean
  accounts(): readonly Account[]
}
