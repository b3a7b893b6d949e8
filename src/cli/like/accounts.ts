import { accountsOf, serverOf } from './draft.ts'
import type { Draft } from './tool.ts'
import type { Credentials } from './values.ts'

/**
 * Adds accounts to a draft. An account that is there already gets a further password, as a list of another setting may have it.
 * @throws Error for a further hash
 */
export function addAccounts(draft: Draft, added: readonly Credentials[], origin: string): void {
  const accounts = accountsOf(draft)
  for (const { user, password } of added) {
    const known = accounts.find((one) => one.user === user)
    const isSame = (known?.passwordHash ?? known?.password) === password
    if (known && isSame) continue
    // An app password is in clear text: the text of the hash itself would log on.
    if (known && HASH.test(password))
      throw new Error(`${user} has two passwords, and one is a hash; write the same one`)
    if (!known) accounts.push({ user, ...passwordKey(password) })
    else known.appPasswords = [...(known.appPasswords ?? []), { name: origin, password }]
  }
}

/**
 * Makes SMTP accept any name and password. An open directory would accept them everywhere: where accounts are listed, only
 * the SMTP virtual server does.
 */
export function acceptAnySender(draft: Draft): void {
  const { lab } = draft
  if (accountsOf(draft).length === 0) lab.directory = { ...lab.directory, mode: 'open' }
  else serverOf(draft, 'smtp').acceptAnyPassword = true
}

/** Hashes of htpasswd: crypt and LDAP's schemes. */
const HASH = /^(?:\$[\w-]+\$|\{[\w-]+\})/

const passwordKey = (password: string): Record<string, string> =>
  HASH.test(password) ? { passwordHash: password } : { password }
