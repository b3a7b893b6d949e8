import type { AccountState } from '../../core/config/schema/directory.ts'
import type { PasswordRefusal } from '../../core/config/schema/personality.ts'
import type { Account, Proof, Secret } from './types.ts'

/** Why an account may not log on although the client has proved who it is. */
export type LogonRefusal =
  | AccountState
  | Exclude<PasswordRefusal, 'application-password'>
  | 'application-password-required'
  | 'not-authorized'

/** The reasons as texts. */
export const refusalTexts: Readonly<Record<LogonRefusal, string>> = {
  locked: 'the account is locked',
  disabled: 'the account is disabled',
  'password-expired': 'the password has expired',
  'must-change-password': 'the password must be changed',
  'application-password-required': 'Application-specific password required', // as Google words it
  'basic-authentication': 'passwords are no longer accepted',
  'smtp-auth-disabled': 'SMTP AUTH is disabled for the organization',
  'security-defaults': 'the security defaults of the organization forbid it',
  'not-authorized': 'not authorized to act as another',
}

/** Returns why the state of an account forbids the log-on. An expired password does not forbid app passwords, tokens and certificates. */
export function stateRefusal({ account: { state }, secret }: Proof): AccountState | undefined {
  if (state === 'locked' || state === 'disabled') return state
  return isOwnPassword(secret) ? state : undefined
}

/**
 * Returns why a mail or news client may not log on. With two factors, it needs an app password.
 * @param needsAppPassword whether every account has two factors
 */
export const logonRefusal = (proof: Proof, needsAppPassword = false): LogonRefusal | undefined =>
  stateRefusal(proof) ??
  ((needsAppPassword || proof.account.twoFactor) && isOwnPassword(proof.secret)
    ? 'application-password-required'
    : undefined)

const isOwnPassword = (secret: Secret | undefined): boolean => secret !== undefined && secret.name === undefined

/** Returns the password that a client has proved. Tries all of them, so that the time does not tell which one it is. */
export function provenSecret(secrets: readonly Secret[], proves: (password: string) => boolean): Secret | undefined {
  let found: Secret | undefined
  for (const secret of secrets) if (proves(secret.password)) found ??= secret
  return found
}

/** Returns a password that mail and news clients may use; undefined if the account has none. */
export const passwordOfPrograms = ({
  twoFactor,
  password,
  appPasswords = [],
}: Pick<Account, 'twoFactor' | 'password' | 'passwordHash' | 'appPasswords'>): string | undefined =>
  twoFactor ? appPasswords[0]?.password : password
