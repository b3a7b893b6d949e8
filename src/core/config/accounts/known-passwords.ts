import { parseHash, type ScramPassword } from './password-hash.ts'

/** The form of a password that a mechanism must know: the password itself, or the keys that it derives from it. */
export const passwordForms = ['clear', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
export type PasswordForm = (typeof passwordForms)[number]

export const isPasswordForm = (text: string): text is PasswordForm =>
  (passwordForms as readonly string[]).includes(text)

/** An account whose password is known, or a hash of it. */
interface Known {
  readonly passwordHash?: string | undefined
}

/** Returns whether the password of an account is known in a form. */
export const isKnown = (account: Known, form: PasswordForm): boolean =>
  account.passwordHash === undefined || scramPasswordOf(account, form.replace('SCRAM-', '')) !== undefined

/** Returns the keys that an account has instead of a password. */
export function scramPasswordOf({ passwordHash }: Known, hash: string): ScramPassword | undefined {
  if (passwordHash === undefined) return undefined
  const known = parseHash(passwordHash)
  return known.kind === 'scram' && known.hash === hash ? known : undefined
}
