import { AccountHistory, type Mail } from '../../../../src/storage/store/views/account-history.ts'
import { hexId, labelChanges } from '../../../../src/storage/store/views/gmail/label-ids.ts'
import { type AccountMailbox, mailboxOf } from '../mailbox/mailbox.ts'
import type { Answer, ProviderCall, ProviderRoute } from '../types.ts'
import { invalid, notFound } from './errors.ts'
import { selected } from './fields.ts'
import { notifyOf } from './notify.ts'
import { uploaded } from './resumable.ts'

/** The mail of an account for one request. */
export interface Gmail extends AccountMailbox {
  readonly history: AccountHistory
  readonly query: URLSearchParams
}

export const EMPTY: Answer = { status: 204 }

/** Returns the mail of the account of a request. @throws ProviderError for another account; StoreError */
export async function gmailOf(call: ProviderCall): Promise<Gmail> {
  const mailbox = await mailboxOf(call)
  const history = await AccountHistory.of(mailbox.store, mailbox.owner, call.api.lab.intake.memory)
  const [notify, { lab }] = [notifyOf(mailbox), call.api]
  history.listeners.set('gmail', (step, number, isFirst) => {
    const changes = isFirst ? labelChanges(step) : []
    if (changes.length === 0) return
    notify(changes, number).catch((error: unknown) => lab.logError(error, 'a notification of Gmail is lost'))
  })
  return { ...mailbox, history, query: new URL(call.c.req.url).searchParams }
}

/** Returns a message by its id. @throws ProviderError `not-found`, `invalid` for an id of another form */
export function findMail({ history }: Gmail, id = ''): Mail {
  if (!/^[0-9a-f]{1,16}$/i.test(id)) throw invalid('Invalid id value')
  const found = history.mailBy(hexId, id.toLowerCase().replace(/^0+(?=.)/, ''))
  if (found) return found
  throw notFound()
}

/** Returns a number of the query above 0. @throws ProviderError `invalid` */
export function numberIn({ query }: Gmail, name: string): number | undefined {
  const given = query.get(name)
  if (given !== null && !/^0*[1-9]\d{0,14}$/.test(given))
    throw invalid(`Invalid value for ${name}: ${given.slice(0, 20)}`)
  return given === null ? undefined : Number(given)
}

/** Returns how many items a page has. @throws ProviderError `invalid` */
export const limitIn = (gmail: Gmail): number => Math.min(numberIn(gmail, 'maxResults') ?? 100, 500)

/** Returns routes by their methods and their paths below the user: `GET messages/{id}`. Uploads have the same. */
export const routesOf = (table: Readonly<Record<string, (call: ProviderCall) => Promise<Answer>>>): ProviderRoute[] =>
  Object.entries(table).flatMap(([name, answer]) => {
    const [method = '', path = ''] = name.split(' ')
    const form = path.replaceAll('/', '\\/').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')
    const below = (start: string) => new RegExp(`^${start}(?:\\/gmail)?\\/v1\\/users\\/(?<user>[^/]+)\\/${form}$`)
    const upload = '(?:\\/resumable)?\\/upload'
    const run = async (call: ProviderCall) => selected(call, await uploaded(call, answer))
    // The pieces of an upload are put, whatever its own method.
    const pieces = method === 'POST' ? [{ method: 'PUT', path: below(upload), run }] : []
    return [{ method, path: below(`(?:${upload})?`), run }, ...pieces]
  })
