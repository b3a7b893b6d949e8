import { z } from 'zod'
import { isSameSecret } from '../../../src/accounts/directory/secrets.ts'
import { problemOf } from '../../../src/api/problem-of.ts'
import type { ProviderTemplate } from '../../../src/core/config/schema/providers.ts'
import { xml } from '../../../src/core/text/xml.ts'
import { isWritten, parseAddresses } from '../../../src/mail/format/addresses.ts'
import { parseJson } from '../body.ts'
import type { Content, Mailbox } from '../drafts.ts'
import { type Credential, type ProviderCall, ProviderError } from './types.ts'

/** Returns the key in a header field, which is the first group of `form`; undefined if its form is wrong. */
export function keyIn(field: string | undefined, form: RegExp): Credential | undefined {
  const key = form.exec(field ?? '')?.[1]
  return key === undefined ? undefined : { shown: key, matches: (secret) => isSameSecret(secret, key) }
}

/** Reads the JSON body of a request. @throws ProviderError `invalid` with the code `json`, `missing`, or that of zod */
export function jsonBody<T extends z.ZodType>({ body }: Pick<ProviderCall, 'body'>, schema: T): z.output<T> {
  const parsed = schema.safeParse(jsonIn(body.toString()))
  if (parsed.success) return parsed.data
  const [{ path, message, code } = { path: [], message: '', code: '' }] = parsed.error.issues
  const field = path.join('.')
  const isMissing = message.endsWith('received undefined')
  throw new ProviderError('invalid', `${field || 'the body'}: ${message}`, field, isMissing ? 'missing' : code)
}

/** Parses JSON. @throws ProviderError `invalid` with the code `json` */
export function jsonIn(text: string, field = 'the body'): unknown {
  try {
    return parseJson(Buffer.from(text))
  } catch (error) {
    throw new ProviderError('invalid', problemOf(error).message.replace('the body', field), field, 'json')
  }
}

/** A text that may be missing or null. */
export const optionalText = z.preprocess((given) => given ?? undefined, z.string().optional())

/** An address, without a name. */
export const ADDRESS = /^[^\s@<>,;"]+@[^\s@<>,;"]+$/

/** Checks an address. @throws ProviderError `bad-address` */
export function assertAddress(email: string, field: string): void {
  if (!ADDRESS.test(email)) throw new ProviderError('bad-address', email, field)
}

/** Parses mailboxes in the text of a request: `Alice <alice@lab.test>, bob@lab.test`. @throws ProviderError `bad-address` */
export function parseMailboxes(text: string, field: string): Mailbox[] {
  return parseAddresses(Buffer.from(text).toString('latin1')).map((one) => {
    const { name = '', mailbox, host } = one
    const email = isWritten(one) ? `${mailbox}@${host}` : text
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
