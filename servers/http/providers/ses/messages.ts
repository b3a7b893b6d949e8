import { randomBytes, randomUUID } from 'node:crypto'
import { type Content, envelopeAndDraft } from '../../drafts.ts'
import { addressesIn } from '../account-mail.ts'
import { type OutgoingMail, type ProviderCall, ProviderError } from '../types.ts'
import { fromTemplate, jsonIn, parseMailboxes, templateNamed } from '../values.ts'
import { regionOf } from './signature.ts'

/** A message of either API. */
export interface SesMail extends Partial<Record<'to' | 'cc' | 'bcc' | 'replyTo', readonly string[]>> {
  readonly source?: string | undefined
  readonly content: Content | Buffer
  readonly tags?: readonly (readonly [name: string, value: string])[]
  readonly configurationSet?: string | undefined
}

/** Returns a message for the core. @throws ProviderError */
export function outgoingMail(call: ProviderCall, mail: SesMail): OutgoingMail {
  const { source, to = [], cc = [], bcc = [], replyTo = [], content, tags = [], configurationSet } = mail
  const mailboxes = (all: readonly string[]) => all.flatMap((one) => parseMailboxes(one, 'Destination'))
  const people = { to: mailboxes(to), cc: mailboxes(cc), bcc: mailboxes(bcc), replyTo: mailboxes(replyTo) }
  const inHeader = Buffer.isBuffer(content) ? addressesIn(content) : undefined
  const [from] = parseMailboxes(source ?? inHeader?.from ?? '', 'FromEmailAddress')
  if (!from) throw new ProviderError('invalid', "Missing required header 'From'.", 'FromEmailAddress')
  const sent = envelopeAndDraft({ from, ...people }, Buffer.isBuffer(content) ? {} : content)
  return {
    id: `0102${randomBytes(6).toString('hex')}-${randomUUID()}-000000`,
    ...sent,
    recipients: sent.recipients.length > 0 ? sent.recipients : (inHeader?.recipients ?? []),
    content: Buffer.isBuffer(content) ? content : sent.content,
    tags: tags.map(([, value]) => value),
    arguments: Object.fromEntries(tags),
    details: { region: regionOf(call), ...(configurationSet ? { configurationSet } : {}) },
  }
}

/** Returns the content that a template of the configuration makes of data in JSON. @throws ProviderError */
export function templated(call: ProviderCall, name: string, ...data: readonly (string | undefined)[]) {
  return fromTemplate(templateNamed(call, name), Object.assign({}, ...data.map(dataOf)))
}

/** Parses data of a template. @throws ProviderError */
export const dataOf = (text: string | undefined): object => (text ? (jsonIn(text, 'TemplateData') as object) : {})
