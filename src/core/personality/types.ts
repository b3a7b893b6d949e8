import type { PasswordRefusal } from '../config/schema/personality.ts'
import type { Words, WordTable } from './words.ts'

/** The facts about a connection that every protocol's texts can use. */
export interface CommonFacts {
  readonly hostname: string
  /** The client's address. */
  readonly address: string
  /** The id of the session. */
  readonly id: string
  /** Seconds since the epoch. */
  readonly seconds: number
  /** The date in the form of a Date field. */
  readonly date: string
  /** The command, in capitals. */
  readonly name: string
  /** The text of Sealpost's own reply. */
  readonly text: string
  /** The mechanisms to announce; empty after a log-on. */
  readonly mechanisms: readonly string[]
  /** The mechanisms that the channel allows, also after a log-on. */
  readonly offered: readonly string[]
  readonly canStartTls: boolean
  readonly isSecure: boolean
  /** Whether a client may log on by name and password now. */
  readonly mayLogOn: boolean
  readonly isLoggedOn: boolean
}

interface ServerFacts {
  /** Why it refuses passwords, and from which day on. Default: it does not. */
  readonly refusesPasswords?: { readonly why: PasswordRefusal; readonly from: string }
  /** Whether STARTTLS is announced where there is a certificate. It works in any case. Default: yes. */
  readonly announcesStartTls?: false
}

export interface SmtpFacts extends CommonFacts {
  readonly clientName: string
  /** The mailbox in the command's argument, without angle brackets. */
  readonly mailbox: string
  /** The Message-ID of an accepted message with its angle brackets, or one made of the session's id. */
  readonly messageId: string
  /** Largest message. */
  readonly sizeOctets: number
  readonly hasGreeted: boolean
  readonly hasSender: boolean
}

/** The words of an SMTP server. Reply texts begin with their code; a line feed separates lines. */
export interface SmtpPersonality extends ServerFacts {
  /** The SASL mechanisms that it offers, in its order. Absent: all. */
  readonly mechanisms?: readonly string[]
  readonly greeting: Words<SmtpFacts>
  /** The first line of the reply to EHLO, without the code. */
  readonly hello: Words<SmtpFacts>
  /** Every line that EHLO may announce: what is not here is not announced. */
  readonly extensions: readonly Words<SmtpFacts>[]
  /** By mechanism: the text in place of an empty challenge that asks for the client's first message. */
  readonly prompts?: Readonly<Record<string, string>>
  /** Commands that only this server has. */
  readonly verbs?: readonly string[]
  /** Keys, the first found counts: the key of an error's text (`textKey`), `VERB CODE`, `CODE`. */
  readonly replies: WordTable<SmtpFacts>
  /** The line for a client over a limit of connections. */
  readonly busy?: string
}

export interface Pop3Facts extends CommonFacts {
  /** Messages in the maildrop; 0 before log-on. */
  readonly count: number
  readonly octets: number
  /** The timestamp of APOP with a space in front, or nothing. */
  readonly timestamp: string
}

/** The words of a POP3 server. Texts follow `+OK` or `-ERR`; an empty text leaves that word alone. */
export interface Pop3Personality extends ServerFacts {
  readonly mechanisms?: readonly string[]
  /** Whether the greeting may have a timestamp, so that APOP works. */
  readonly hasApop: boolean
  readonly greeting: Words<Pop3Facts>
  /** Every line that CAPA may announce. */
  readonly capabilities: readonly Words<Pop3Facts>[]
  /** Keys: the key of an error's text, `NAME OK`, `NAME ERR`, `ERR`. */
  readonly replies: WordTable<Pop3Facts>
  /** Whether errors have response codes, such as [AUTH]. RFC 2449 section 8. */
  readonly hasCodes: boolean
  readonly busy?: string
}

export interface ImapFacts extends CommonFacts {
  readonly sizeOctets: number
  /** The capabilities that Sealpost itself would announce now. */
  readonly own: readonly string[]
  /** The account that is logged on. */
  readonly user: string
}

/** The facts that SELECT reports. */
export interface SelectFacts {
  readonly exists: number
  readonly recent: number
  /** The flags and keywords of the mailbox. */
  readonly flags: readonly string[]
  /** The flags that the client can change, with `\\*` if it can add keywords. */
  readonly permanentFlags: readonly string[]
  /** The number of the first unseen message; 0 if all are seen. */
  readonly unseen: number
  readonly uidValidity: number
  readonly uidNext: number
  readonly highestModSeq: number
}

/** The words of an IMAP4 server. Texts follow `OK`, `NO`, `BAD` or `BYE`, with their response codes. */
export interface ImapPersonality extends ServerFacts {
  readonly mechanisms?: readonly string[]
  /** Knows `{capabilities}`, too. */
  readonly greeting: Words<ImapFacts & { readonly capabilities: string }>
  /** Every capability that it may announce, in its order. */
  readonly capabilities: readonly Words<ImapFacts>[]
  /** Where it lists its capabilities after a log-on: in the code of the tagged reply, in an untagged response, or nowhere. */
  readonly afterLogOn: 'code' | 'untagged' | 'nowhere'
  /** The response codes that it has. Absent: all. */
  readonly codes?: readonly string[]
  /** Keys: the key of an error's text, its response code, `NAME OK`, `NAME NO`, `NAME BAD`, `OK`, `NO`, `BAD`. */
  readonly replies: WordTable<ImapFacts>
  /** The untagged BYE of LOGOUT. */
  readonly bye: Words<ImapFacts>
  /** The untagged responses of SELECT and EXAMINE. Absent: the server's own. */
  readonly select?: (facts: SelectFacts) => readonly string[]
  /** The fields of the reply to ID. Absent: the server's own. */
  readonly identification?: Readonly<Record<string, string>>
  /** Whether it has Gmail's extension X-GM-EXT-1. */
  readonly hasLabels?: true
  /** Whether LIST shows special uses to clients that did not ask for them. */
  readonly showsSpecialUse: boolean
  readonly busy?: string
}

export interface NntpFacts extends CommonFacts {
  readonly canPost: boolean
}

/** The words of an NNTP server. Texts begin with their code. */
export interface NntpPersonality extends ServerFacts {
  readonly mechanisms?: readonly string[]
  /** The reply to the connection and to MODE READER. */
  readonly welcome: Words<NntpFacts>
  /** The kinds of control messages for which it has a group, `control.KIND`, from the start. */
  readonly controlGroups?: readonly string[]
  /** Commands that it does not know, although Sealpost does. */
  readonly unknown: readonly string[]
  /** Keys: the key of an error's text, `NAME CODE`, `CODE`. */
  readonly replies: WordTable<NntpFacts>
  readonly busy?: string
}

export interface ManageSieveFacts extends CommonFacts {
  /** The extensions of Sieve that Sealpost has. */
  readonly extensions: readonly string[]
  /** The largest number of redirects of a script. */
  readonly redirects: number
}

/** The words of a ManageSieve server. Texts follow `OK`, `NO` or `BYE` and their response code. */
export interface ManageSievePersonality extends ServerFacts {
  readonly mechanisms?: readonly string[]
  readonly greeting: Words<ManageSieveFacts>
  /** Every capability that it may announce, as its line. */
  readonly capabilities: readonly Words<ManageSieveFacts>[]
  /** Keys: the key of an error's text, its response code, `NAME OK`, `NAME NO`. */
  readonly replies: WordTable<ManageSieveFacts>
  readonly busy?: string
}

/** The words of one server. A protocol that it does not have keeps Sealpost's words. */
export interface Personality {
  readonly smtp?: SmtpPersonality
  readonly lmtp?: SmtpPersonality
  readonly pop3?: Pop3Personality
  readonly imap4?: ImapPersonality
  readonly nntp?: NntpPersonality
  readonly managesieve?: ManageSievePersonality
}
