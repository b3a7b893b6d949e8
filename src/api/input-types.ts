import { z } from 'zod'
import { duration } from '../core/config/schema/values.ts'
import { FIELD_NAME, isMadeFromContent } from '../mail/format/compose.ts'

const text = z.stringbool()

/** Yes or no: a boolean in JSON, `true` or `false` in a query. */
export const flag = z.preprocess(
  (value) => (typeof value === 'string' ? (text.safeParse(value).data ?? value) : value),
  z.boolean(),
)

/** A duration in milliseconds: a number or words such as `5s` in JSON, either as text in a query. */
export const queryDuration = z.preprocess(
  (value) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value),
  duration,
)

/** Returns the keys of a merge patch: each can be given, or removed by null. RFC 7396. */
export const nullable = (shape: Readonly<Record<string, z.ZodType>>): Record<string, z.ZodType> =>
  Object.fromEntries(Object.entries(shape).map(([key, type]) => [key, type.nullable().optional()]))

/** A value of a header field: further lines would be further fields. RFC 5322 section 2.2. */
export const line = z
  .string()
  .max(64 * 1024, { error: 'is longer than 65536 characters; shorten it', abort: true })
  .regex(/^[^\r\n\0]*$/, 'has a line break; write it in one line')

/** The name of a field that the sender of a message may set. */
export const fieldName = z
  .string()
  .regex(FIELD_NAME, 'is not the name of a header field such as References')
  .refine((name) => !isMadeFromContent(name), 'is made from the content of the message')
