import type { z } from 'zod'

/** Returns the keys of a merge patch: each can be given, or removed by null. RFC 7396. */
export const nullable = (shape: Readonly<Record<string, z.ZodType>>): Record<string, z.ZodType> =>
  Object.fromEntries(Object.entries(shape).map(([key, type]) => [key, type.nullable().optional()]))
