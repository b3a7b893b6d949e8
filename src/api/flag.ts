import { z } from 'zod'

const text = z.stringbool()

/** Yes or no: a boolean in JSON, `true` or `false` in a query. */
export const flag = z.preprocess(
  (value) => (typeof value === 'string' ? (text.safeParse(value).data ?? value) : value),
  z.boolean(),
)
