/** The types of Sieve that delivery, storage and ManageSieve use. RFC 5228. */

/** A mistake in a script. Lines and columns count from 1. */
export interface SieveError {
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Returns a mistake in words. */
export const mistakeText = ({ line, column, message }: SieveError): string =>
  `line ${line}, column ${column}: ${message}`

/** Limits of a script. RFC 5228 section 2.10 asks for them. */
export interface SieveLimits {
  readonly scriptOctets: number
  /** Blocks inside blocks, and tests inside tests. At least 15 (RFC 5228 section 2.10.5). */
  readonly nesting: number
  /** Commands and tests of a script. */
  readonly commands: number
  /** Actions of one run, and redirects and notifications among them. */
  readonly actions: number
  readonly redirects: number
  /** Commands and tests that one run executes, with those of included scripts. */
  readonly steps: number
  /** Characters that one run compares. A step of a regular expression counts as one character. */
  readonly work: number
}

export const SIEVE_LIMITS: SieveLimits = {
  scriptOctets: 64 * 1024,
  nesting: 32,
  commands: 10_000,
  actions: 32,
  redirects: 4,
  steps: 100_000,
  work: 50_000_000,
}

export interface SieveMessage {
  /** The message with CRLF line ends: its header and more. The script does not change this buffer. */
  readonly raw: Buffer
  /** The octets of the whole message. Default: those of `raw`. */
  readonly octets?: number
  /** Returns the whole message, which only the test `body` reads. Default: `raw`. */
  readonly whole?: () => Awaitable<Buffer>
  /** Addresses without angle brackets. `from` is empty for the null reverse-path. */
  readonly envelope: { readonly from: string; readonly to: string }
}

type Awaitable<T> = T | Promise<T>

/** The surroundings of a run. `runScript` changes nothing itself: the caller executes the actions. */
export interface SieveEnvironment {
  /** The account's addresses, the usual one first. Vacation replies and notifications are sent from it. */
  readonly addresses: readonly string[]
  /** The lab's time in milliseconds since the epoch. */
  readonly nowMs: number
  /** Returns whether a mailbox exists and the account may deliver to it. RFC 5490 section 3.1. Default: only INBOX. */
  readonly mailboxExists?: (mailbox: string) => Awaitable<boolean>
  /**
   * Returns the mailbox that has a special use such as `\Junk`, or undefined. With `mailbox`, only this one is looked at. RFC 8579.
   */
  readonly specialUse?: (use: string, mailbox?: string) => Awaitable<string | undefined>
  /** Returns a script for `include`, or undefined if it does not exist. RFC 6609. */
  readonly included?: (name: string, location: 'personal' | 'global') => Awaitable<CompileResult | undefined>
  /** Returns whether a key was in `SieveResult.remember` of an earlier run of this account and is not expired. */
  readonly remembers?: (key: string) => Awaitable<boolean>
  /** Items of RFC 5183 such as `remote-ip`, by their lower-case names. */
  readonly items?: Readonly<Record<string, string>>
  /** From 0 (no spam) to 1 (certainly spam). Absent: not tested. RFC 5235 section 2. */
  readonly spamScore?: number
}

/** An account's script after `compileScript`. */
export interface SieveScript {
  /** The extensions that it requires. */
  readonly requires: readonly string[]
}

export type CompileResult = { readonly script: SieveScript } | { readonly errors: readonly SieveError[] }

/** A place in the script, or in the script that it includes. */
export interface SievePlace {
  /** The name of the included script; absent for the active one. */
  readonly script?: string
  readonly line: number
}

interface Stored extends SievePlace {
  /** The flags and keywords to set, without duplicates. RFC 5232. */
  readonly flags: readonly string[]
  /** The header as the script changed it, with the empty line after it; absent if it is unchanged. RFC 5293. */
  readonly header?: Buffer
}

/** An action to execute, in the order of the script. An action is listed once, whatever the script repeats. */
export type SieveAction =
  /** `implicit`: no command of the script stored the message or discarded it. RFC 5228 section 2.10.2 */
  | ({ readonly type: 'keep'; readonly implicit: boolean } & Stored)
  | ({
      readonly type: 'fileinto'
      readonly mailbox: string
      /** Create the mailbox if it does not exist. Otherwise keep the message in INBOX. RFC 5490 section 3.2 */
      readonly create: boolean
      /** The mailbox is the one with this special use; `create` gives a new one this use. RFC 8579 section 4 */
      readonly specialUse?: string
    } & Stored)
  | ({ readonly type: 'redirect'; readonly address: string; readonly header?: Buffer } & SievePlace)
  /** `ereject`: with a reply of the protocol where possible, not with a message. RFC 5429 section 2.1 */
  | ({ readonly type: 'reject' | 'ereject'; readonly reason: string } & SievePlace)
  | ({ readonly type: 'discard' } & SievePlace)
  /** A message to send: a vacation reply (RFC 5230) or a notification (RFC 5436). `from` is empty for the null reverse-path. */
  | ({
      readonly type: 'vacation' | 'notify'
      readonly from: string
      readonly to: readonly string[]
      readonly content: Buffer
    } & SievePlace)

export interface SieveResult {
  /** At least one. After an error: only the implicit keep. */
  readonly actions: readonly SieveAction[]
  /** Keys to keep for so long once the actions succeeded: of `duplicate` and `vacation`. RFC 7352 section 3, RFC 5230 section 4.2. */
  readonly remember: readonly { readonly key: string; readonly seconds: number }[]
  /** The events of the run, such as `filed into Junk`. */
  readonly trace: readonly (SievePlace & { readonly text: string })[]
  readonly error?: SievePlace & { readonly message: string }
}
