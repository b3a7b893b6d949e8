import { z } from 'zod'
import { sameSecret } from '../../../src/accounts/directory/secrets.ts'
import type { ProviderTemplate } from '../../../src/core/config/schema/providers.ts'
import { xml } from '../../../src/core/text/xml.ts'
import { definedOnly } from '../../../src/core/values/defined.ts'
import { addressText, parseAddresses } from '../../../src/mail/format/addresses.ts'
import type { DraftAttachment } from '../../../src/mail/format/compose.ts'
import { parseJson } from '../body.ts'
import { type Credential, type ProviderCall, ProviderError } from './types.ts'

/** Returns the key in a header field, which is the first group of `form`; undefined if its form is wrong. */
export function keyIn(field: string | undefined, form: RegExp): Credential | undefined {
  const key = form.exec(field ?? '')?.[1]
  return key === undefined ? undefined : { shown: key, matches: (secret) => sameSecret(secret, key) }
}

/** Reads the JSON body of a request. @throws ProviderError `invalid` */
export function jsonBody<T extends z.ZodType>({ body }: Pick<ProviderCall, 'body'>, schema: T): z.output<T> {
  const parsed = schema.safeParse(parseJson(body))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue?.path.join('.') ?? ''
  throw new ProviderError('invalid', `${field || 'the body'}: ${issue?.message}`, field)
}

/** A text that may be missing or null. */
export const optionalText = z
  .string()
  .nullish()
  .transform((text) => text ?? undefined)

/** A mailbox of a request. */
export interface Mailbox {
  readonly email: string
  readonly name?: string | undefined
}

/** The people in the header of a message. */
interface People {
  readonly from: Mailbox
  readonly to?: readonly Mailbox[]
  readonly cc?: readonly Mailbox[]
  readonly bcc?: readonly Mailbox[]
  readonly replyTo?: readonly Mailbox[]
}

/** The content of a message. */
export interface Content {
  readonly subject?: string | undefined
  readonly text?: string | undefined
  readonly html?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly attachments?: readonly DraftAttachment[]
}

/** Returns the envelope and the content of a message. */
export function addressed(
  { from, to = [], cc = [], bcc = [], replyTo = [] }: People,
  { headers, ...content }: Content,
) {
  const listed = (all: readonly Mailbox[]): string[] =>
    all.map(({ email, name = '' }) => addressText({ name, address: email }))
  return {
    from: from.email,
    recipients: [to, cc, bcc].flat().map(({ email }) => email),
    content: {
      ...definedOnly(content),
      from: listed([from]).join(),
      to: listed(to),
      cc: listed(cc),
      headers: { ...(replyTo.length > 0 ? { 'Reply-To': listed(replyTo).join(', ') } : {}), ...headers },
    },
  }
}

const ADDRESS = /^[^\s@<>,;"]+@[^\s@<>,;"]+$/

/** Checks an address. @throws ProviderError `invalid` */
export function assertAddress(email: string, field: string): void {
  if (!ADDRESS.test(email))
    throw new ProviderError('invalid', `${field}: ${email || '(empty)'} is not an address`, field)
}

/** Parses mailboxes in the text of a request: `Alice <alice@lab.test>, bob@lab.test`. @throws ProviderError `invalid` */
export function parseMailboxes(text: string, field: string): Mailbox[] {
  return parseAddresses(Buffer.from(text).toString('latin1')).map(({ name = '', mailbox, host }) => {
    const email = `${mailbox}@${host}`
    assertAddress(email, field)
    return { email, name: Buffer.from(name, 'latin1').toString() }
  })
}

/** An attachment in base64, as most providers have it. @throws ProviderError `invalid` */
export function attachmentOf(
  filename: string,
  content: string,
  contentType: string | undefined,
  cid?: string,
): DraftAttachment {
  const octets = Buffer.from(content, 'base64')
  if (content !== '' && octets.length === 0)
    throw new ProviderError('invalid', `attachments: ${filename} is not in base64`, 'attachments')
  const id = cid?.replace(/^cid:/, '').replace(/^<|>$/g, '')
  return { filename, content: octets, ...(contentType ? { contentType } : {}), ...(id ? { cid: id } : {}) }
}

/** A value in a template: `{{name}}`, `{{params.name}}`, `{{var:name:"none"}}`; `{{{name}}}` is not escaped in HTML. */
const MARK = /\{\{(\{?)\s*(?:(?:params|var)[.:])?([\w.@-]+)\s*(?::\s*"([^"]*)"\s*)?\}\}\}?/g

const filled = (text: string | undefined, values: unknown, escapes: boolean): string | undefined =>
  text?.replaceAll(MARK, (_, raw: string, path: string, absent = '') => {
    const shown = String(path.split('.').reduce(propertyOf, values) ?? absent)
    return escapes && raw === '' ? xml(shown).replaceAll("'", '&#39;') : shown
  })

const propertyOf = (from: unknown, name: string): unknown =>
  typeof from === 'object' && from !== null && Object.hasOwn(from, name) ? from[name as keyof object] : undefined

/** Returns the content that a template makes of values. */
export const fromTemplate = ({ subject, text, html }: Content, values: unknown) => ({
  subject: filled(subject, values, false) ?? '',
  text: filled(text, values, false),
  html: filled(html, values, true),
})

/** Returns a template of the configuration. @throws ProviderError `unknown-template` */
export function templateNamed({ config }: Pick<ProviderCall, 'config'>, name: string): ProviderTemplate {
  const found = Object.hasOwn(config.templates, name) ? config.templates[name] : undefined
  if (found) return found
  const why = `template ${name} is not defined in this lab; add it to \`templates\` of the provider`
  throw new ProviderError('unknown-template', why, name)
}
