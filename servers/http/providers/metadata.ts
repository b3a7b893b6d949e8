import { type ProviderName, providerTitles } from '../../../src/core/config/schema/providers.ts'
import { headerFields, headerValue } from '../../../src/mail/format/headers.ts'
import { decodeWords } from '../../../src/mail/format/words.ts'
import type { ProviderCall, SentMail } from './types.ts'

/** The header fields that say how a message was sent. People search by them, and later events are made from them. */
const FIELDS = {
  sentBy: 'X-Sealpost-Sent-By',
  id: 'X-Sealpost-Id',
  tags: 'X-Sealpost-Tags',
  arguments: 'X-Sealpost-Arguments',
  facts: 'X-Sealpost-Details',
}

/** Returns JSON that a header field can have: in ASCII, in lines that break where white space is. RFC 5322 section 2.1.1. */
const asciiJson = (value: object): string =>
  JSON.stringify(value).replaceAll(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)

const hasKeys = (value: object): boolean => Object.keys(value).length > 0

/** Returns the lines in front of a message. */
export function metadataLines(
  { config: { provider }, key, context }: ProviderCall,
  sent: SentMail,
  base: string,
): Buffer {
  const facts = {
    provider,
    virtualServer: context.name,
    base,
    ...(hasKeys(sent.details) ? { details: sent.details } : {}),
  }
  const lines: readonly (readonly [string, string])[] = [
    [FIELDS.sentBy, `${providerTitles[provider]}, API, key ending in ${key}`],
    [FIELDS.id, sent.id],
    ...(sent.tags.length > 0 ? [[FIELDS.tags, asciiJson(sent.tags).slice(1, -1)] as const] : []),
    ...(hasKeys(sent.arguments) ? [[FIELDS.arguments, asciiJson(sent.arguments)] as const] : []),
    [FIELDS.facts, asciiJson(facts)],
  ]
  return Buffer.from(lines.map(([name, value]) => `${name}: ${value.replaceAll(/[\r\n]/g, ' ')}\r\n`).join(''))
}

/** A message as its header describes it. */
interface DescribedMail {
  readonly provider: ProviderName
  readonly virtualServer: string
  /** The URL at which the application has the provider. */
  readonly base: string
  readonly sent: Omit<SentMail, 'from' | 'recipients' | 'at' | 'sizeOctets'>
}

/** Reads the lines of `metadataLines`; undefined for a message that was not sent by the API of a provider. */
export function metadataIn(raw: Buffer): DescribedMail | undefined {
  const fields = headerFields(raw)
  const value = (name: string): string | undefined => headerValue(raw, fields, name)?.trim()
  const id = value(FIELDS.id)
  const facts = jsonIn(value(FIELDS.facts) ?? '')
  if (id === undefined || !Object.hasOwn(providerTitles, String(facts.provider))) return undefined
  return {
    provider: facts.provider as ProviderName,
    virtualServer: String(facts.virtualServer),
    base: String(facts.base),
    sent: {
      id,
      subject: decodeWords(value('subject') ?? ''),
      messageId: (value('message-id') ?? '').replace(/^<|>$/g, ''),
      tags: Object.values(jsonIn(`[${value(FIELDS.tags) ?? ''}]`)).map(String),
      arguments: jsonIn(value(FIELDS.arguments) ?? ''),
      details: (facts.details ?? {}) as Record<string, string>,
    },
  }
}

/** Returns the object in a field. Anybody can send a message with such a field, whatever is in it. */
function jsonIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
