import type { Path } from '../mistakes.ts'
import { accountCheck, findRepeated, type Rule } from './rule.ts'

/** Rules about the keys of accounts that say who may log on, and how. */
export const accountRules: readonly Rule[] = [
  function* passwords({ directory }) {
    for (const [index, { password, passwordHash }] of directory.accounts.entries()) {
      const at = ['directory', 'accounts', index]
      if (password !== undefined && passwordHash !== undefined)
        yield { path: [...at, 'passwordHash'], message: 'password is set too; keep one of them', onKey: true }
      if (password !== undefined || passwordHash !== undefined) continue
      const message = 'is missing; write password: TEXT, passwordFile: FILE or passwordHash: HASH'
      yield { path: [...at, 'password'], message, onKey: true }
    }
  },

  function* appPasswordNames({ directory }) {
    for (const [index, { appPasswords = [] }] of directory.accounts.entries()) {
      const at = (n: number): Path => ['directory', 'accounts', index, 'appPasswords', n, 'name']
      yield* findRepeated(appPasswords.map(({ name }, n) => ({ text: name, path: at(n) })))
    }
  },

  function* secondFactor({ directory }) {
    for (const [index, { twoFactor, appPasswords = [] }] of directory.accounts.entries()) {
      if (!twoFactor || directory.mode === 'listed' || appPasswords.length > 0) continue
      const message = 'an open directory accepts any password; write mode: listed, or list appPasswords'
      yield { path: ['directory', 'accounts', index, 'twoFactor'], message }
    }
  },

  function* unknownAccounts({ directory }) {
    const check = accountCheck(directory)
    for (const [index, { delegates = [] }] of directory.accounts.entries()) {
      for (const [n, name] of delegates.entries()) {
        yield* check(name, ['directory', 'accounts', index, 'delegates', n])
      }
    }
    for (const [index, { account }] of (directory.certificateMapping ?? []).entries()) {
      yield* check(account, ['directory', 'certificateMapping', index, 'account'])
    }
  },

  function* emptyCertificateRules({ directory: { certificateMapping = [] } }) {
    for (const [index, { issuer, subject, serialNumber }] of certificateMapping.entries()) {
      if ((issuer ?? subject ?? serialNumber) !== undefined) continue
      const message = 'matches every certificate; add issuer, subject or serialNumber'
      yield { path: ['directory', 'certificateMapping', index], message }
    }
  },
]
