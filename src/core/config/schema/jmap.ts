import { z } from 'zod'
import { mapping } from './mapping.ts'
import { octets } from './values.ts'

const limit = (value: number, what: string) => z.number().int().positive().default(value).describe(what)

/** The keys have the names of the session object. RFC 8620 section 2. */
const limits = mapping(() => ({
  maxSizeUpload: octets.prefault('50MiB').describe('Largest file that a client may upload.'),
  maxConcurrentUpload: limit(4, 'Number of uploads of an account at the same time.'),
  maxSizeRequest: octets.prefault('10MiB').describe('Largest request to the API.'),
  maxConcurrentRequests: limit(8, 'Number of requests of an account to the API at the same time.'),
  maxCallsInRequest: limit(32, 'Number of method calls in a request.'),
  maxObjectsInGet: limit(500, 'Number of objects that a client may get by one call.'),
  maxObjectsInSet: limit(500, 'Number of objects that a client may create, update and destroy by one call.'),
}))
export type JmapLimits = z.output<typeof limits>

/** JMAP on an HTTP virtual server. */
export const jmap = z.union([z.literal('off'), limits])

let defaults: JmapLimits | undefined

/** Returns the limits of JMAP on a virtual server; undefined if it is not offered. */
export function jmapLimits(setting: z.output<typeof jmap> | undefined): JmapLimits | undefined {
  if (setting === 'off') return undefined
  defaults ??= limits.parse({})
  return setting ?? defaults
}
