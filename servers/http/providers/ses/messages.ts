import { randomBytes, randomUUID } from 'node:crypto'
import type { MessageDraft } from '../../../../src/mail/format/compose.ts'
import { headerFields, headerValues } from '../../../../src/mail/format/headers.ts'
import { type OutgoingMail, type ProviderCall, ProviderError } from '../types.ts'
import { emailsOf, fromTemplate, listText, mailboxText, parseMailboxes, templateNamed } from '../values.ts'
import { regionOf } from './signature.ts'

/** A message of either API. */
export interface SesMail {
  readonly source?: string | undefined
  readonly to?: readonly string[]
  readonly cc?: readonly string[]
  readonly bcc?: readonly string[]
  readonly replyTo?: readonly string[]
  readonly content: Pick<MessageDraft, 'subject' | 'text' | 'html' | 'attachments' | 'headers'> | Buffer
  readonly tags?: readonly (readonly [name: string, value: string])[]
  readonly configurationSet?: string | undefined
}

/** Returns an id as SES makes them. */
const newId = (): string => `0102${randomBytes(6).toString('hex')}-${randomUUID()}-000000`

/** Returns a message for the core. @throws ProviderError */
export function mailOf(call: ProviderCall, mail: SesMail): OutgoingMail {
  const { source, to = [], cc = [], bcc = [], replyTo = [], content, tags = [], configurationSet } = mail
  const lists = [to, cc, bcc].map((list) => list.flatMap((one) => parseMailboxes(one, 'Destination')))
  const [toList = [], ccList = [], bccList = []] = lists
  const inHeader = Buffer.isBuffer(content) ? headerAddresses(content) : undefined
  const [from] = source === undefined ? (inHeader?.from ?? []) : parseMailboxes(source, 'FromEmailAddress')
  if (!from) throw new ProviderError('invalid', "Missing required header 'From'.", 'FromEmailAddress')
  const given = emailsOf(toList, ccList, bccList)
  return {
    id: newId(),
    from: from.email,
    recipients: given.length > 0 ? given : emailsOf(inHeader?.recipients ?? []),
    content: Buffer.isBuffer(content)
      ? content
      : {
          ...content,
          from: mailboxText(from),
          ...definedLists({ to: listText(toList), cc: listText(ccList) }),
          headers: {
            ...(replyTo.length > 0 ? { 'Reply-To': replyTo.join(', ') } : {}),
            ...content.headers,
          },
        },
    tags: tags.map(([, value]) => value),
    arguments: Object.fromEntries(tags),
    details: { region: regionOf(call), ...(configurationSet ? { configurationSet } : {}) },
  }
}

const definedLists = (lists: { to: string[] | undefined; cc: string[] | undefined }) => ({
  ...(lists.to ? { to: lists.to } : {}),
  ...(lists.cc ? { cc: lists.cc } : {}),
})

/** Returns the addresses in the header of a raw message. */
function headerAddresses(raw: Buffer) {
  const fields = headerFields(raw)
  const of = (name: string) =>
    headerValues(raw, fields, name).flatMap((value) => parseMailboxes(Buffer.from(value, 'latin1').toString(), name))
  return { from: of('from'), recipients: [...of('to'), ...of('cc'), ...of('bcc')] }
}

/** Returns the content that a template of the configuration makes of data in JSON. @throws ProviderError */
export function templated(call: ProviderCall, name: string, ...data: readonly (string | undefined)[]) {
  return fromTemplate(templateNamed(call, name), Object.assign({}, ...data.map(dataOf)))
}

/** Parses data of a template. @throws ProviderError */
export function dataOf(text: string | undefined): object {
  if (text === undefined || text === '') return {}
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new ProviderError('invalid', `TemplateData: ${cause.message}`, 'TemplateData')
    throw cause
  }
}
