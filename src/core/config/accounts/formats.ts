import { parsePassword } from './password.ts'
import type { FileEntries, FileEntry } from './types.ts'

/** The formats of files with accounts. */
export const accountFormats = ['htpasswd', 'dovecot', 'greenmail'] as const
export type AccountFormat = (typeof accountFormats)[number]

/** A part of a file that describes one account. */
interface Record {
  readonly line: number
  readonly text: string
}

/** Reads the accounts of a file. @param format Default: recognized by the content */
export function parseAccounts(text: string, format: AccountFormat = formatOf(text)): FileEntries {
  const { records, read } = formats[format]
  const entries: FileEntry[] = []
  const mistakes: { line: number; message: string }[] = []
  for (const { line, text: record } of records(text)) {
    try {
      entries.push({ line, ...read(record) })
    } catch (error) {
      mistakes.push({ line, message: (error as Error).message })
    }
  }
  return { entries, mistakes }
}

/** How the accounts of a format are separated, and how one is read. @throws Error that says what is wrong */
interface Format {
  records(text: string): Record[]
  read(text: string): Omit<FileEntry, 'line'>
}

/** Returns the lines that are not empty and no comments. */
const linesOf = (text: string): Record[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((one, index) => ({ line: index + 1, text: one }))
    .filter(({ text: one }) => one.trim() !== '' && !one.startsWith('#'))

const formats: Readonly<globalThis.Record<AccountFormat, Format>> = {
  /** USER:PASSWORD, as Apache, nginx, Mailpit and MailHog read it. */
  htpasswd: {
    records: linesOf,
    read(line) {
      const [user, password] = atFirstColon(line)
      return { user: userName(user), ...parsePassword(password, 'clear') }
    },
  },

  /** USER:PASSWORD:UID:GID:GECOS:HOME:SHELL:EXTRA FIELDS. https://doc.dovecot.org/main/core/config/auth/databases/passwd_file.html */
  dovecot: {
    records: linesOf,
    read(line) {
      const [user = '', password = '', ...others] = line.split(':')
      const extra = others.slice(5).join(':').split(/\s+/)
      if (extra.some((field) => /^nopassword(?:$|=)/.test(field)))
        throw new Error('nopassword is not supported: every account needs a password')
      const isDisabled = extra.some((field) => /^nologin(?:$|=)/.test(field))
      return {
        user: userName(user),
        ...parsePassword(password, 'hash'),
        ...(isDisabled ? { state: 'disabled' as const } : {}),
      }
    },
  },

  /** LOGIN:PASSWORD@DOMAIN, separated by commas or lines, also in a file of properties. */
  greenmail: {
    records: (text) =>
      linesOf(text).flatMap(({ line, text: one }) => {
        const users = one.replace(USERS_KEY, '')
        if (OTHER_KEY.test(users)) return []
        return users.split(',').flatMap((part) => (part.trim() === '' ? [] : [{ line, text: part.trim() }]))
      }),
    read(entry) {
      const [login, rest] = atFirstColon(entry)
      const [password = '', domain, ...more] = rest.split('@')
      // GreenMail splits at every : and @.
      if (more.length > 0 || rest.includes(':'))
        throw new Error('is not LOGIN:PASSWORD@DOMAIN; a password cannot contain : or @')
      const user = userName(login)
      if (password === '') throw new Error(`${user} has no password`)
      return { user, password, ...(domain === undefined ? {} : { addresses: [`${user.split('@')[0]}@${domain}`] }) }
    },
  },
}

const USERS_KEY = /^\s*(?:-D)?(?:greenmail\.)?users\s*[=:]\s*/
/** Other settings of GreenMail in the same file. */
const OTHER_KEY = /^\s*(?:-D)?greenmail\.[\w.]+(?:\s*[=:]|\s*$)/

/** Returns the format that the first account of a file has. */
function formatOf(text: string): AccountFormat {
  const [first] = linesOf(text)
  if (!first) return 'htpasswd'
  const { text: line } = first
  if (USERS_KEY.test(line) || OTHER_KEY.test(line)) return 'greenmail'
  const users = line.split(',').map((one) => one.trim())
  if (users.every((one) => GREENMAIL_USER.test(one)) && (users.length > 1 || /:.*@/.test(line))) return 'greenmail'
  const fields = line.split(':')
  return fields.length > 2 || /^\{[\w.-]+\}/.test(fields[1] ?? '') ? 'dovecot' : 'htpasswd'
}

const GREENMAIL_USER = /^[^:$]+:[^:@${}]+(?:@[\w.-]+)?$/

/** @throws Error if there is no colon */
function atFirstColon(line: string): [string, string] {
  const colon = line.indexOf(':')
  if (colon < 0) throw new Error('is not USER:PASSWORD')
  return [line.slice(0, colon), line.slice(colon + 1)]
}

/** @throws Error if it is not the name of an account */
function userName(text: string): string {
  if (text === '') throw new Error('has no user name')
  if (!/^[^\p{Cc}\\]{1,255}$/u.test(text))
    throw new Error('the user name is not one of 1 to 255 characters without backslashes and control characters')
  return text
}
