import type { KnownPassword } from './types.ts'

/**
 * Reads the password of an account in a file.
 * @param plain what a text without a scheme is: a password in clear text, or always a hash
 * @throws Error that says what is wrong. It does not contain the password
 */
export function parsePassword(text: string, plain: 'clear' | 'crypt' = 'clear'): KnownPassword {
  if (text === '') throw new Error('has no password')
  const [, scheme, rest = ''] = /^\{([^}]*)\}(.*)$/s.exec(text) ?? []
  if (scheme !== undefined && /^(?:PLAIN|CLEAR|CLEARTEXT)$/i.test(scheme)) {
    if (rest === '') throw new Error('has no password')
    return { password: rest }
  }
  if (scheme !== undefined) throw new Error(`the scheme {${scheme}} is not supported; use {PLAIN}`)
  if (text.startsWith('$') || plain === 'crypt') throw new Error('the hash is not supported; use {PLAIN}')
  return { password: text }
}
