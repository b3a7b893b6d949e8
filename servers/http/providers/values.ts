import { z } from 'zod'
import type { ProviderTemplate } from '../../../src/core/config/schema/providers.ts'
import { parseAddresses } from '../../../src/mail/format/addresses.ts'
import type { DraftAttachment } from '../../../src/mail/format/compose.ts'
import { parseJson } from '../body.ts'
import { type ProviderCall, ProviderError } from './types.ts'

/** Reads the JSON body of a request. @throws ProviderError `invalid` */
export function jsonBody<T extends z.ZodType>({ body }: Pick<ProviderCall, 'body'>, schema: T): z.output<T> {
  const parsed = schema.safeParse(parseJson(body))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue?.path.join('.') ?? ''
  throw new ProviderError('invalid', `${field || 'the body'}: ${issue?.message}`, field)
}

/** A mailbox of a request. */
export interface Mailbox {
  readonly email: string
  readonly name?: string | undefined
}

const ADDRESS = /^[^\s@<>,;"]+@[^\s@<>,;"]+$/

/** Returns a mailbox as text of a header field. RFC 5322 section 3.4. */
export function mailboxText({ email, name = '' }: Mailbox): string {
  if (name === '') return email
  // Words outside ASCII are encoded later, which needs them without quotes.
  const phrase = /[^ -~]/.test(name) ? name.replaceAll(/[()<>[\]:;@\\,."]/g, ' ') : quoted(name)
  return `${phrase} <${email}>`
}

const quoted = (name: string): string =>
  /^[\w !#$%&'*+/=?^`{|}~-]*$/.test(name) ? name : `"${name.replaceAll(/["\\]/g, '\\$&')}"`

/** Checks an address. @throws ProviderError `invalid` */
export function assertAddress(email: string, field: string): void {
  if (!ADDRESS.test(email))
    throw new ProviderError('invalid', `${field}: ${email || '(empty)'} is not an address`, field)
}

/** Parses mailboxes in the text of a request: `Alice <alice@lab.test>, bob@lab.test`. @throws ProviderError `invalid` */
export function parseMailboxes(text: string, field: string): Mailbox[] {
  return parseAddresses(Buffer.from(text, 'utf8').toString('latin1')).map(({ name, mailbox, host }) => {
    const email = `${mailbox}@${host}`
    assertAddress(email, field)
    const shown = name === undefined ? '' : Buffer.from(name, 'latin1').toString('utf8')
    return { email, ...(shown === '' ? {} : { name: shown }) }
  })
}

/** Returns the text of a list; undefined for an empty one. */
export const listText = (mailboxes: readonly Mailbox[]): string[] | undefined =>
  mailboxes.length === 0 ? undefined : mailboxes.map(mailboxText)

/** Returns the addresses of mailboxes. */
export const emailsOf = (...lists: readonly (readonly Mailbox[])[]): string[] => lists.flat().map(({ email }) => email)

/** An attachment in base64, as most providers have it. */
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

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Returns a text with the values of `{{name}}` and `{{a.b}}`. `{{{name}}}` and `@` values are not escaped in HTML. */
function filled(text: string, values: unknown, escapes: boolean): string {
  return text.replaceAll(/\{\{(\{?)\s*([\w.@-]+)\s*\}\}\}?/g, (_, raw: string, path: string) => {
    let value: unknown = values
    for (const step of path.split('.')) {
      if (step === 'params' || step === 'var') continue
      const isKnown = typeof value === 'object' && value !== null && Object.hasOwn(value, step)
      value = isKnown ? (value as Record<string, unknown>)[step] : undefined
    }
    const shown = value === undefined || value === null ? '' : String(value)
    return escapes && raw === '' ? shown.replaceAll(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign) : shown
  })
}

/** Returns the content that a template makes of values. */
export const fromTemplate = ({ subject, text, html }: ProviderTemplate, values: unknown) => ({
  subject: filled(subject, values, false),
  ...(text === undefined ? {} : { text: filled(text, values, false) }),
  ...(html === undefined ? {} : { html: filled(html, values, true) }),
})

/** Returns a template of the configuration. @throws ProviderError `unknown-template` */
export function templateNamed({ config }: Pick<ProviderCall, 'config'>, name: string): ProviderTemplate {
  const found = Object.hasOwn(config.templates, name) ? config.templates[name] : undefined
  if (found) return found
  const why = `template ${name} is not defined in this lab; add it to \`templates\` of the provider`
  throw new ProviderError('unknown-template', why, name)
}

/** A text that may be missing or null. */
export const optionalText = z
  .string()
  .nullish()
  .transform((text) => text ?? undefined)
