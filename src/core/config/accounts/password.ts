import { parseHash } from './password-hash.ts'
import type { KnownPassword } from './types.ts'

/**
 * Reads the password of an account in a file: in clear text or as a hash.
 * @param bare what a text without a scheme is
 * @throws Error that says what is wrong. It does not contain the password
 */
export function parsePassword(text: string, bare: 'clear' | 'hash'): KnownPassword {
  if (text === '') throw new Error('has no password')
  const clear = clearTextIn(text)
  if (clear === '') throw new Error('has no password')
  if (clear !== undefined) return { password: clear }
  const isHash = bare === 'hash' || /^(?:[{$]|[./0-9A-Za-z]{13}$)/.test(text)
  if (!isHash) return { password: text }
  parseHash(text)
  return { passwordHash: text }
}

/** Returns the password in a text that says that it is in clear text. */
function clearTextIn(text: string): string | undefined {
  const [, encoding, rest = ''] = /^\{(?:PLAIN|CLEAR|CLEARTEXT)(?:\.(B64|BASE64|HEX))?\}(.*)$/is.exec(text) ?? []
  const isClear = /^\{(?:PLAIN|CLEAR|CLEARTEXT)[.}]/i.test(text)
  if (encoding === undefined) return isClear ? rest : undefined
  return Buffer.from(rest, encoding.toUpperCase() === 'HEX' ? 'hex' : 'base64').toString()
}
