import { z } from 'zod'
import { sameSecret } from '../../../src/accounts/directory/secrets.ts'
import type { ProviderTemplate } from '../../../src/core/config/schema/providers.ts'
import { xml } from '../../../src/core/text/xml.ts'
import { parseAddresses } from '../../../src/mail/format/addresses.ts'
import { parseJson } from '../body.ts'
import type { Content, Mailbox } from '../drafts.ts'
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
export const optionalText = z.preprocess((given) => given ?? undefined, z.string().optional())

/** Checks an address. @throws ProviderError `invalid` */
export function assertAddress(email: string, field: string): void {
  if (!/^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(email))
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
