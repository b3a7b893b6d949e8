import type { ProviderEvent } from '../../../src/core/config/schema/provider-events.ts'
import {
  type ErrorKind,
  type EventPosts,
  type MailEvent,
  ProviderError,
  type ProviderRoute,
  type WebhookRequest,
} from './types.ts'

// The tables of which an adapter consists: its paths, its errors, and its events.

/** Returns routes by their methods and paths: `GET /v3/mail/batch/{batch}`. Paths are regular expressions otherwise. */
export const routesOf = (table: Readonly<Record<string, ProviderRoute['run']>>, flags = ''): ProviderRoute[] =>
  Object.entries(table).map(([name, run]) => {
    const [method = '', path = ''] = name.split(' ')
    return { method, path: new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`, flags), run }
  })

/**
 * Returns a function that returns the status, the code and the text of the answer to a refused request.
 * @param rows `400 code text {value}`; `-` for no code. Without a text, the answer has the message of the lab, as `{detail}` is
 */
export function errorTable(rows: Readonly<Record<ErrorKind, string>>) {
  return (
    { kind, message }: Pick<ProviderError, 'kind' | 'message'>,
    values: Readonly<Record<string, string>> = {},
  ) => {
    const [, status, code = '', text = '{detail}'] = /^(\d+) (\S+)(?: (.*))?$/.exec(rows[kind]) ?? []
    const all: Partial<Record<string, string>> = { detail: message, ...values }
    return { status: Number(status), code, text: text.replaceAll(/\{(\w+)\}/g, (_, name: string) => all[name] ?? '') }
  }
}

/** Returns the results of items. An item that is refused leaves the others as they are. @param refused may throw the error again */
export async function resultsOf<T>(
  items: readonly T[],
  work: (item: T) => Promise<object>,
  refused: (error: ProviderError, item: T) => object,
): Promise<object[]> {
  const results: object[] = []
  for (const item of items)
    results.push(
      await work(item).catch((error: unknown) => {
        if (error instanceof ProviderError) return refused(error, item)
        throw error
      }),
    )
  return results
}

/** The names that a provider has for events, with what the JSON of each has besides. Absent: it reports no such event. */
export type EventRows = Readonly<
  Partial<Record<ProviderEvent, readonly [name: string, more?: (event: MailEvent) => object]>>
>

/** Returns the requests for events, one for each, which a provider writes in JSON. @param sign the signature of the request */
export const eventPosts =
  (
    rows: EventRows,
    agent: string,
    bodyOf: (event: MailEvent, name: string, more: object, target: Parameters<EventPosts>[1]) => object,
    sign?: WebhookRequest['sign'],
  ): EventPosts =>
  (events, target) =>
    events.flatMap((event) => {
      const [name, more] = rows[event.type] ?? []
      if (name === undefined) return []
      const body = JSON.stringify(bodyOf(event, name, more?.(event) ?? {}, target))
      return [{ event: name, body, headers: { 'User-Agent': agent }, ...(sign && { sign }) }]
    })

/** Returns the reply of a server as one line: `550 5.1.1 No such user`. */
export const replyText = ({ reply: { code, status, text } }: MailEvent): string => `${code} ${status} ${text}`

/** The program that opens mail and follows its links. */
export const READER = { ip: '192.0.2.1', agent: 'Mozilla/5.0', link: 'https://example.com/' } as const
