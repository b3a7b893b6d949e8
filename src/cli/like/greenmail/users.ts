import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { accountsOf } from '../draft.ts'
import { appliedBy, setting } from '../rows.ts'
import type { Draft, Setting } from '../tool.ts'

/** `LOGIN:PASSWORD@DOMAIN` or `LOGIN:PASSWORD`. The password may have an @. */
const USER = /^([^:]+):(?:(.+)@([^@]+)|(.+))$/

/** Adds the users of `greenmail.users`. @throws Error */
function addUsers(draft: Draft, text: string, login: string | undefined): void {
  const accounts = accountsOf(draft)
  for (const [index, one] of text
    .split(',')
    .map((user) => user.trim())
    .entries()) {
    const [, name = '', passwordAt, domain, password = ''] = USER.exec(one) ?? []
    // The text may be a password: it is not shown.
    if (name === '') throw new Error(`user ${index + 1} is not LOGIN:PASSWORD@DOMAIN; write commas between users`)
    if (domain === undefined) accounts.push({ user: name, password })
    else {
      const address = `${name}@${domain}`
      const isByAddress = /^email$/i.test(login ?? '')
      accounts.push({ user: isByAddress ? address : name, password: passwordAt ?? '', addresses: [address] })
    }
  }
}

/** Loads the folders `ADDRESS/INBOX` with .eml files. @throws Error if there is no such folder */
function preload(draft: Draft, folder: string, origin: string): void {
  if (!existsSync(folder)) throw new Error(`${folder} does not exist`)
  const accounts = accountsOf(draft)
  for (const { name: address } of readdirSync(folder, { withFileTypes: true }).filter((one) => one.isDirectory())) {
    const known = accounts.find(({ user, addresses = [] }) => user === address || addresses.includes(address))
    const account = known ?? { user: address, password: address, addresses: [address] }
    if (!known) accounts.push(account)
    const inbox = join(folder, address, 'INBOX')
    if (existsSync(inbox)) account.preload = inbox
    const others = readdirSync(join(folder, address)).filter((name) => name !== 'INBOX' && !name.startsWith('.'))
    if (others.length > 0) draft.notes.push(`${origin}: ${address}/${others.join(', ')} is not loaded, only INBOX`)
  }
}

export const userSettings: readonly Setting[] = [
  setting('-Dgreenmail.users', '`directory.accounts`', ({ draft, value, other }) =>
    addUsers(draft, value, other('-Dgreenmail.users.login')),
  ),
  ...appliedBy(['-Dgreenmail.users'], '-Dgreenmail.users.login'),
  setting(
    '-Dgreenmail.auth.disabled!',
    '`directory.mode: open`: any password is right, and every name has a mailbox',
    ({ draft }) => {
      draft.lab.directory = { ...draft.lab.directory, mode: 'open' }
    },
  ),
  setting(
    '-Dgreenmail.preload.dir',
    '`preload` of the accounts, for the folders ADDRESS/INBOX',
    ({ draft, value, path, origin }) => preload(draft, path(value), origin),
  ),
]
