import { isAsyncFunction, isDate, isRegExp } from 'node:util/types'
import { z } from 'zod'
import { tokenRequest } from '../../accounts/oauth2/request.ts'
import { mistakesOf } from '../../core/config/issues.ts'
import { jsonSchemaOf } from '../../core/config/json-schema.ts'
import { linesOf, locateByPath, placedInOrder } from '../../core/config/mistakes.ts'
import { accountAccess, quota } from '../../core/config/schema/directory.ts'
import { serverProtocols } from '../../core/config/schema/protocol.ts'
import { providerNames } from '../../core/config/schema/providers.ts'
import { feedbackTypes, reportForms } from '../../core/config/schema/report-words.ts'
import { duration } from '../../core/config/schema/values.ts'
import { CONTENT_ID, FIELD_NAME, isMadeFromContent } from '../../mail/format/compose.ts'

/** Longest time that a timer of Node.js can measure. */
const MAX_TIMER_MS = 2 ** 31 - 1

const describedType = (title: string, isRight: (value: unknown) => boolean) =>
  z.custom(isRight, { error: `must be ${title}` }).meta({ title })
const headerFields = () =>
  z.record(z.string(), z.string()).superRefine((fields, context) => {
    for (const name of Object.keys(fields)) {
      if (!FIELD_NAME.test(name))
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'is not the name of a header field such as X-Campaign',
        })
      else if (isMadeFromContent(name))
        context.addIssue({ code: 'custom', path: [name], message: 'is made from the content of the message' })
    }
  })
const isFunction = (value: unknown): boolean => typeof value === 'function'
const hasMethod = (name: string) => (value: unknown) =>
  typeof value === 'object' && value !== null && isFunction((value as Record<string, unknown>)[name])

const isMoment = (value: unknown): boolean =>
  (isDate(value) || typeof value === 'number' || typeof value === 'string') && !Number.isNaN(new Date(value).getTime())

// Functions, so that no schema is built before a test needs it.
/**
 * A text or a regular expression in a filter. An empty one, which matches everything, comes from a mistake, as undefined does:
 * `{ to: user.emial }`.
 */
const condition = () =>
  z
    .custom(
      (value) => (isRegExp(value) ? value.source !== EMPTY_PATTERN : typeof value === 'string' && !isBlank(value)),
      {
        error: ({ input }) => (isRegExp(input) || isBlank(input) ? CURE : 'must be a text or a regular expression'),
      },
    )
    .meta({ title: 'a text or a regular expression' })
    .exactOptional()
/** A name in a filter. */
const name = () =>
  z
    .custom((value) => typeof value === 'string' && !isBlank(value), {
      error: ({ input }) => (isBlank(input) ? CURE : 'must be a text'),
    })
    .meta({ title: 'a text' })
    .exactOptional()
const EMPTY_PATTERN = '(?:)'
const CURE = 'leave the key out for any value, or correct the value'
const isBlank = (value: unknown): boolean => value === undefined || (typeof value === 'string' && value.trim() === '')
/** `matches` of a filter. */
const predicate = () =>
  z
    .custom((value) => isFunction(value) && !isAsyncFunction(value), {
      error: ({ input }) => (isFunction(input) ? 'returns a promise; must return true or false' : 'must be a function'),
    })
    .meta({ title: 'a function' })
    .exactOptional()
const signal = () => describedType('an AbortSignal', hasMethod('addEventListener'))
const octets = () =>
  describedType('a text or a Buffer', (value) => typeof value === 'string' || value instanceof Uint8Array)
const texts = () => z.union([z.string(), z.array(z.string())], 'must be a text or a list of texts')
const names = () => z.union([z.string().min(1), z.array(z.string().min(1)).min(1)], 'must be a name or a list of names')

/** The allowed values of each argument. */
const shapes = {
  filter: () =>
    z.strictObject({
      to: condition(),
      from: condition(),
      subject: condition(),
      text: condition(),
      folder: name(),
      sentBy: z.enum(providerNames).exactOptional(),
      matches: predicate(),
    }),
  sessionFilter: () =>
    z.strictObject({
      user: condition(),
      protocol: z.enum(serverProtocols).exactOptional(),
      virtualServer: name(),
      tls: z.boolean().exactOptional(),
      refused: z.union([z.boolean(), condition()]).exactOptional(),
      ended: z.boolean().exactOptional(),
      matches: predicate(),
    }),
  unsubscribeFilter: () => z.strictObject({ recipient: condition(), list: condition() }),
  releaseOptions: () => z.strictObject({ to: names().optional(), connector: z.string().min(1).optional() }),
  bounceOptions: () =>
    z.strictObject({
      code: z.union([z.string(), z.number()]).optional(),
      form: z.enum(reportForms).optional(),
      after: z.string().optional(),
    }),
  complaintOptions: () => z.strictObject({ type: z.enum(feedbackTypes).optional(), after: z.string().optional() }),
  outgoingFilter: () => z.strictObject({ to: condition(), from: condition(), subject: condition(), connector: name() }),
  disconnectOptions: () => z.strictObject({ how: z.enum(['close', 'reset', 'farewell']).optional() }),
  quota: () => z.union([z.literal('off'), quota]),
  accountChanges: () => z.strictObject({ password: z.string().min(1).optional(), ...accountAccess }),
  waitOptions: () =>
    z.strictObject({ timeout: z.number().min(0).max(MAX_TIMER_MS).optional(), signal: signal().optional() }),
  eventOptions: () => z.strictObject({ signal: signal().optional() }),
  draft: () =>
    z.strictObject({
      from: z.string().optional(),
      to: texts().optional(),
      cc: texts().optional(),
      subject: z.string().optional(),
      text: z.string().optional(),
      html: z.string().optional(),
      headers: headerFields().optional(),
      attachments: z
        .array(
          z.strictObject({
            filename: z.string().min(1),
            content: octets(),
            contentType: z.string().optional(),
            cid: z.string().regex(CONTENT_ID, 'is not a Content-ID such as logo').optional(),
          }),
        )
        .optional(),
    }),
  deliverOptions: () => z.strictObject({ to: names(), from: z.string().optional() }),
  config: () =>
    describedType('an object with keys of the configuration, or the path of a YAML file', (value) =>
      typeof value === 'object' ? value !== null && !Array.isArray(value) : typeof value === 'string',
    ),
  startOptions: () =>
    z.strictObject({
      log: describedType('a pino logger', hasMethod('child')).optional(),
      clock: describedType('a clock with a method now()', hasMethod('now')).optional(),
    }),
  credentials: () => z.strictObject({ user: z.string(), pass: z.string() }),
  encryption: () =>
    z.strictObject({
      bits: z.number().int().min(0).exactOptional(),
      version: z.enum(['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']).exactOptional(),
    }),
  unsubscribe: () => z.strictObject({ signed: z.boolean().exactOptional() }),
  dkim: () => z.strictObject({ domain: name(), selector: name() }),
  preview: () =>
    z.strictObject({
      width: z.number().int().min(1).max(10_000).optional(),
      scheme: z.enum(['light', 'dark']).optional(),
      browser: describedType("Playwright's browser", hasMethod('newContext')).optional(),
      launch: z.looseObject({}).optional(),
    }),
  accessToken: () => tokenRequest,
  mailbox: () =>
    z.union([
      z.strictObject({ user: z.string().min(1), folder: z.string().min(1).optional() }),
      z.strictObject({ newsgroup: z.string().min(1) }),
    ]),
  format: () => z.enum(['eml', 'maildir', 'mbox']),
  moment: () =>
    describedType('a Date, milliseconds, or a text such as 2030-01-01T12:00:00Z', (value) => isMoment(value)),
  duration: () => duration,
} as const

type ShapeName = keyof typeof shapes

const built = new Map<ShapeName, z.ZodType>()

function shapeOf(name: ShapeName): z.ZodType {
  const known = built.get(name) ?? shapes[name]()
  built.set(name, known)
  return known
}

/** A line for each mistake in an argument, with its place; empty if it is right. */
export function mistakesIn(shape: ShapeName, value: unknown): readonly string[] {
  const schema = shapeOf(shape)
  const parsed = schema.safeParse(value, { jitless: true })
  if (parsed.success) return []
  const mistakes = mistakesOf(parsed.error.issues, value, jsonSchemaOf(schema, 'any'))
  return linesOf(placedInOrder(mistakes, locateByPath))
}

export type { ShapeName }
