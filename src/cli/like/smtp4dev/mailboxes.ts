import { z } from 'zod'
import { accountsOf } from '../draft.ts'
import { patternsOf } from '../patterns.ts'
import { appliedBy, setting } from '../rows.ts'
import type { Draft, Setting, SettingCall } from '../tool.ts'
import { isOn } from '../values.ts'

type Other = SettingCall['other']
type Rule = NonNullable<NonNullable<Draft['lab']['mail']['captured']>['mailboxes']>[number]

const numbers = [0, 1, 2, 3, 4] as const
const filterNumbers = [0, 1, 2] as const
const variable = (at: number, key = ''): string => `ServerOptions__Mailboxes__${at}${key}`

/** A mailbox of smtp4dev. The case of the keys does not matter. */
const mailbox = z.preprocess(
  lowerKeys,
  z.object({
    name: z.string().min(1),
    recipients: z.string().default(''),
    headerfilters: z.array(z.object({ header: z.string().min(1), pattern: z.string().default('') })).nullish(),
    sourcefilters: z.array(z.object({ pattern: z.string().min(1) })).nullish(),
    authenticatedusers: z.union([z.string().transform((one) => [one]), z.array(z.string())]).nullish(),
  }),
)
type Mailbox = z.output<typeof mailbox>

function lowerKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerKeys)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key.toLowerCase(), lowerKeys(one)]))
}

/** Returns the mailbox of `NAME=RECIPIENTS`, or of an object in JSON. @throws Error */
function mailboxIn(text: string): Mailbox {
  const [, name = '', recipients = ''] = /^([^={]+)=(.*)$/s.exec(text) ?? []
  const parsed = mailbox.safeParse(name === '' ? jsonOf(text) : { name: name.trim(), recipients })
  if (!parsed.success) throw new Error('write NAME=RECIPIENTS, or an object in JSON with Name and Recipients')
  return parsed.data
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`write NAME=RECIPIENTS, or an object in JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** Returns the patterns of a wildcard, or of a regular expression between slashes. @throws Error */
function patternsIn(text: string): string[] {
  const [, expression] = /^\/(.*)\/$/s.exec(text) ?? []
  if (expression !== undefined) return patternsOf(expression)
  if (/[?[\]]/.test(text)) throw new Error(`${text}: only * is a wildcard here; write several patterns`)
  return [text]
}

/** Returns the mailbox that a user reads, as the settings spell it. Undefined: the default one. */
function mailboxOfUser(user: string, other: Other): string | undefined {
  const at = numbers.find(
    (one) => other(`ServerOptions__Users__${one}__Username`)?.toLowerCase() === user.toLowerCase(),
  )
  return at === undefined ? undefined : other(`ServerOptions__Users__${at}__DefaultMailbox`)
}

const sameText = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** Returns the folder of a mailbox. */
const folderOf = ({ lab }: Draft, name: string): string =>
  sameText(name, 'Default') ? (lab.mail.captured?.folder ?? name) : name

function addMailbox(call: SettingCall, { name, recipients, ...filters }: Mailbox): void {
  const { draft, other } = call
  const to = recipients
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .flatMap(patternsIn)
  if (to.length === 0) throw new Error(`${name} has no recipients, so it gets no mail; write *`)
  const sources = filters.sourcefilters ?? []
  if (sources.length > 1) throw new Error(`${name} has several SourceFilters; write one, or a configuration`)
  const header: Record<string, string[]> = {}
  for (const { header: field, pattern } of filters.headerfilters ?? []) {
    if (Object.keys(header).some((known) => sameText(known, field)))
      throw new Error(`${name} has several HeaderFilters for ${field}; write one, or a configuration`)
    // As its documentation says, .* stands for any value.
    header[field] = pattern === '' || pattern === '.*' ? ['*'] : patternsIn(pattern)
  }
  const users = filters.authenticatedusers ?? []
  // As in smtp4dev, a user counts only for the user's own mailbox.
  const account = users.filter((user) => sameText(mailboxOfUser(user, other) ?? 'Default', name))
  if (users.length > 0 && account.length === 0) {
    draft.notes.push(`${call.origin}: has no effect: ${name} is the DefaultMailbox of none of its AuthenticatedUsers`)
    return
  }
  const rule: Rule = {
    name: folderOf(draft, name),
    filters: {
      ...(to.includes('*') ? {} : { to }),
      ...(Object.keys(header).length > 0 ? { header } : {}),
      ...(sources.length > 0 ? { client: sources.flatMap(({ pattern }) => patternsIn(pattern)) } : {}),
      ...(account.length > 0 ? { account } : {}),
    },
  }
  draft.lab.mail.captured = {
    ...draft.lab.mail.captured,
    mailboxes: [...(draft.lab.mail.captured?.mailboxes ?? []), rule],
  }
}

/** Returns the mailbox that the variables of a number describe. @throws Error */
function mailboxOfNumber(at: number, name: string, other: Other): Mailbox {
  const some = (read: (index: number) => string | undefined): string[] =>
    filterNumbers.flatMap((one) => read(one) ?? [])
  return mailbox.parse({
    name,
    recipients: other(variable(at, '__Recipients')) ?? '',
    headerfilters: filterNumbers.flatMap((one) => {
      const header = other(variable(at, `__HeaderFilters__${one}__Header`))
      const pattern = other(variable(at, `__HeaderFilters__${one}__Pattern`)) ?? ''
      return header === undefined ? [] : [{ header, pattern }]
    }),
    sourcefilters: some((one) => other(variable(at, `__SourceFilters__${one}__Pattern`))).map((pattern) => ({
      pattern,
    })),
    authenticatedusers: some((one) => other(variable(at, `__AuthenticatedUsers__${one}`))),
  })
}

const BECOMES = '`mail.captured.mailboxes`'

export const mailboxSettings: readonly Setting[] = [
  ...numbers.flatMap((at) => [
    setting(variable(at), `${BECOMES}, as NAME=RECIPIENTS or JSON`, (call) => addMailbox(call, mailboxIn(call.value))),
    setting(variable(at, '__Name'), BECOMES, (call) => addMailbox(call, mailboxOfNumber(at, call.value, call.other))),
    ...appliedBy(
      [variable(at, '__Name')],
      variable(at, '__Recipients'),
      ...filterNumbers.flatMap((one) => [
        variable(at, `__HeaderFilters__${one}__Header`),
        variable(at, `__HeaderFilters__${one}__Pattern`),
        variable(at, `__SourceFilters__${one}__Pattern`),
        variable(at, `__AuthenticatedUsers__${one}`),
      ]),
    ),
  ]),
  {
    flags: ['--mailbox'],
    isRepeated: true,
    becomes: `${BECOMES}, as NAME=RECIPIENTS or JSON`,
    apply(call) {
      for (const text of call.value.split('\n')) addMailbox(call, mailboxIn(text))
    },
  },
  ...numbers.map(
    (at): Setting => ({
      variable: `ServerOptions__Users__${at}__DefaultMailbox`,
      becomes: '`mail.captured.inboxes`',
      apply: ({ draft, value, other, origin }) => {
        const user = other(`ServerOptions__Users__${at}__Username`)
        if (user === undefined || sameText(value, 'Default')) return
        const name = draft.lab.mail.captured?.mailboxes?.find((one) => sameText(one.name, value))?.name
        if (name === undefined) draft.notes.push(`${origin}: has no effect: there is no mailbox ${value}`)
        else
          draft.lab.mail.captured = {
            ...draft.lab.mail.captured,
            inboxes: { ...draft.lab.mail.captured?.inboxes, [user]: name },
          }
      },
    }),
  ),
  {
    // Applied by `finishMailboxes`, because it is on if nothing is set.
    variable: 'ServerOptions__DeliverMessagesToUsersDefaultMailbox',
    flags: ['--delivermessagestousersdefaultmailbox'],
    isOptional: true,
    becomes: '`mail.captured.mailboxes`: the first rules are about accounts. On by default',
    apply: () => undefined,
  },
]

/** Puts mail of accounts into their own mailboxes, before other rules, unless the settings say otherwise. */
export function finishMailboxes(draft: Draft, other: Other): void {
  const { captured } = draft.lab.mail
  if (!captured?.mailboxes?.length) return
  if (!isOn(other('ServerOptions__DeliverMessagesToUsersDefaultMailbox') ?? 'true')) return
  const { folder = 'all', inboxes = {} } = captured
  const known = new Set(accountsOf(draft).map(({ user }) => user))
  const own = Object.entries(inboxes).filter(([user]) => known.has(user))
  const rules = own.map(([user, name]): Rule => ({ name, filters: { account: [user] } }))
  draft.lab.mail.captured = {
    ...captured,
    mailboxes: [...rules, { name: folder, filters: { account: ['*'] } }, ...captured.mailboxes],
  }
}
