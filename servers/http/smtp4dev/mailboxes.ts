import { CAPTURED_OWNER } from '../../../src/storage/store/folder.ts'
import { type Mail, mailOfCopies } from '../delivered-mail.ts'
import type { RouteCall } from '../routes.ts'

/** The mailbox of all mail that no rule matches. */
export const DEFAULT_MAILBOX = 'Default'

type Lab = Pick<RouteCall, 'api'>

/** Returns the names of the mailboxes: those of rules, and the default one. */
export function mailboxNames({ api }: Lab): readonly string[] {
  const { folder, mailboxes } = api.lab.config.mail.captured
  const ruled = mailboxes.map(({ name }) => name).filter((name) => name !== folder)
  return [...new Set([...ruled, DEFAULT_MAILBOX])]
}

/** Returns messages as a mailbox has them: each with its copies there only. */
export function inMailbox(call: Lab, mails: readonly Mail[], name: string): readonly Mail[] {
  const names = mailboxNames(call)
  if (names.length === 1) return name === DEFAULT_MAILBOX ? mails : []
  const isThere = ({ folder }: Mail['copies'][number]): boolean =>
    (folder.owner === CAPTURED_OWNER && names.includes(folder.name) ? folder.name : DEFAULT_MAILBOX) === name
  return mails.flatMap((mail) => {
    const [first, ...others] = mail.copies.filter(isThere)
    return first
      ? [others.length + 1 === mail.copies.length ? mail : mailOfCopies([first, ...others], mail.caller)]
      : []
  })
}

/** Returns messages as all mailboxes have them: a message of two mailboxes twice, as smtp4dev has it. */
export const inAllMailboxes = (call: Lab, mails: readonly Mail[]): readonly Mail[] =>
  mailboxNames(call).flatMap((name) => inMailbox(call, mails, name))

/** Returns the mailbox that the pages of smtp4dev show a caller first. */
export function defaultMailboxOf({ api, caller }: Pick<RouteCall, 'api' | 'caller'>): string {
  const { folder, inboxes = {} } = api.lab.config.mail.captured
  const name = Object.entries(inboxes).find(([user]) => user.toLowerCase() === caller.name?.toLowerCase())?.[1]
  return name === undefined || name === folder ? DEFAULT_MAILBOX : name
}
