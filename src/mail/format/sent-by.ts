import { headerFields, headerValue } from './headers.ts'
import type { HeaderField } from './types.ts'

/** The API of a provider by which a message was sent. */
export interface SentBy {
  /** The name in the configuration, such as `sendgrid`. */
  readonly provider: string
  /** The name in text, such as `SendGrid`. */
  readonly name: string
  /** The last four characters of the key. */
  readonly key: string
  /** The id that the API returned. */
  readonly id: string
  /** Tags, categories. */
  readonly tags: readonly string[]
  /** Custom arguments, metadata, variables. */
  readonly arguments: Readonly<Record<string, unknown>>
}

/** Facts that later events of the message need. */
export interface SentByDetails {
  readonly virtualServer: string
  /** The URL at which the application has the provider. */
  readonly base: string
  readonly details: Readonly<Record<string, string>>
}

/** The header fields that say how a message was sent. */
const FIELDS = {
  sentBy: 'X-Sealpost-Sent-By',
  id: 'X-Sealpost-Id',
  tags: 'X-Sealpost-Tags',
  arguments: 'X-Sealpost-Arguments',
  details: 'X-Sealpost-Details',
}

/** Returns JSON that a header field can have: in ASCII, in lines that break where white space is. RFC 5322 section 2.1.1. */
const asciiJson = (value: object): string =>
  JSON.stringify(value).replaceAll(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Returns the lines in front of a message that `sentByOf` reads. */
export function sentByLines({ provider, name, key, id, tags, ...by }: SentBy, details: SentByDetails): Buffer {
  const lines: readonly (readonly [string, string])[] = [
    [FIELDS.sentBy, `${name}, API, key ending in ${key}`],
    [FIELDS.id, id],
    ...(tags.length > 0 ? [[FIELDS.tags, asciiJson(tags).slice(1, -1)] as const] : []),
    ...(Object.keys(by.arguments).length > 0 ? [[FIELDS.arguments, asciiJson(by.arguments)] as const] : []),
    [FIELDS.details, asciiJson({ provider, ...details })],
  ]
  return Buffer.from(lines.map(([field, value]) => `${field}: ${value.replaceAll(/[\r\n]/g, ' ')}\r\n`).join(''))
}

/** Returns the API by which a message was sent, and the details; undefined if its header does not say so. */
export function sentByOf(
  raw: Buffer,
  fields: readonly HeaderField[] = headerFields(raw),
): { readonly by: SentBy; readonly details: SentByDetails } | undefined {
  const value = (name: string): string | undefined => headerValue(raw, fields, name)?.trim()
  const [, name, key] = /^(.+), API, key ending in (\S*)$/.exec(value(FIELDS.sentBy) ?? '') ?? []
  const { provider, virtualServer = '', base = '', details } = objectIn(value(FIELDS.details))
  const id = value(FIELDS.id)
  if (name === undefined || key === undefined || id === undefined || typeof provider !== 'string') return undefined
  const strings = typeof details === 'object' && details !== null ? Object.entries(details) : []
  const tags = Object.values(objectIn(`[${value(FIELDS.tags) ?? ''}]`)).map(String)
  return {
    by: { provider, name, key, id, tags, arguments: objectIn(value(FIELDS.arguments)) },
    details: {
      virtualServer: String(virtualServer),
      base: String(base),
      details: Object.fromEntries(strings.map(([field, text]) => [field, String(text)])),
    },
  }
}

/** Returns the object in a field. Anybody can send a message with such a field, whatever is in it. */
function objectIn(text = ''): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
