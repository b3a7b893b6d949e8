import { z } from 'zod'
import { duration, octets } from '../units.ts'
import { protocols } from './protocol.ts'

const count = z.number().int().positive()

const when = z.strictObject({
  protocol: z
    .enum(protocols)
    .optional()
    .describe('Only on this protocol.')
    .meta({ examples: ['smtp'] }),
  virtualServer: z
    .string()
    .optional()
    .describe('Only on the virtual server of this name.')
    .meta({ examples: ['Default SMTP Virtual Server'] }),
  on: z
    .enum(['connect', 'handshake', 'command', 'data'])
    .optional()
    .describe(
      'connect: before the greeting. handshake: after the ClientHello. command: a line of the client (the default where verb is given). data: message octets of the client.',
    )
    .meta({ examples: ['command'] }),
  verb: z
    .string()
    .min(1)
    .optional()
    .describe('The command: RCPT, RETR, UID FETCH, AUTHINFO …')
    .meta({ examples: ['RCPT'] }),
  matching: z
    .string()
    .min(1)
    .optional()
    .describe('A regular expression that the line fits, case ignored.')
    .meta({ examples: ['bob@'] }),
  user: z
    .string()
    .optional()
    .describe('Only once this account has logged on.')
    .meta({ examples: ['alice'] }),
  tls: z
    .boolean()
    .optional()
    .describe('true: only under TLS. false: only in clear.')
    .meta({ examples: [false] }),
  connection: count
    .optional()
    .describe('Only on the n-th connection of a virtual server.')
    .meta({ examples: [2] }),
  nth: count
    .optional()
    .describe('Only the n-th time that the rest fits in a session.')
    .meta({ examples: [3] }),
  chance: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Only so often, by a seeded generator: the same seed, the same run.')
    .meta({ examples: [0.1] }),
})

const action = z.strictObject({
  delay: duration
    .optional()
    .describe('Waits, then goes on.')
    .meta({ examples: ['2s'] }),
  reply: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe(
      'Says this line, or these, instead of doing what was asked; IMAP4 lines get the tag. On connect: says it and closes.',
    )
    .meta({ examples: ['451 4.3.0 Try again later'] }),
  greeting: z
    .string()
    .min(1)
    .optional()
    .describe('On connect: greets with this line, and goes on.')
    .meta({ examples: ['* PREAUTH welcome back'] }),
  inject: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe(
      'On STARTTLS (STLS): says this too, in clear behind the reply, before the handshake. {tag+1} is the IMAP4 tag that comes next.',
    )
    .meta({ examples: ['250 injected'] }),
  throttle: count
    .optional()
    .describe('Octets a second that the client gets from here on.')
    .meta({ examples: [1000] }),
  drop: z
    .enum(['before', 'after', 'mid-reply'])
    .optional()
    .describe('Closes the connection: before the reply, after it, or in the middle of it.')
    .meta({ examples: ['mid-reply'] }),
  dropAfterOctets: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('On data: closes once so many octets have come.')
    .meta({ examples: [100] }),
  halfClose: z
    .literal(true)
    .optional()
    .describe('Ends the server’s side and goes on reading.')
    .meta({ examples: [true] }),
  silence: z
    .literal(true)
    .optional()
    .describe('Says nothing more, and keeps the connection open.')
    .meta({ examples: [true] }),
  garbage: octets
    .optional()
    .describe('Says so many random octets instead of the reply.')
    .meta({ examples: ['1KiB'] }),
  oversizedReply: octets
    .optional()
    .describe('Says one line of so many octets instead of the reply.')
    .meta({ examples: ['1MiB'] }),
  abortHandshake: z
    .number()
    .int()
    .min(0)
    .max(255)
    .optional()
    .describe(
      'On handshake: sends this TLS alert instead of a ServerHello (40 handshake_failure, 80 internal_error …).',
    )
    .meta({ examples: [40] }),
})

/** Where each action makes sense. */
const places: Readonly<Record<keyof z.infer<typeof action>, readonly string[]>> = {
  delay: ['connect', 'handshake', 'command'],
  reply: ['connect', 'command'],
  greeting: ['connect'],
  inject: ['command'],
  throttle: ['connect', 'command'],
  drop: ['connect', 'handshake', 'command'],
  dropAfterOctets: ['data'],
  halfClose: ['connect', 'command'],
  silence: ['connect', 'handshake', 'command'],
  garbage: ['connect', 'handshake', 'command'],
  oversizedReply: ['connect', 'command'],
  abortHandshake: ['handshake'],
}

/** Something that goes wrong on purpose: when, what, and how often. */
export const fault = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .optional()
      .describe('What session records call it.')
      .meta({ examples: ['greylisting'] }),
    when: when.prefault({}).describe('Which moment; every condition must hold.'),
    do: action.describe('What happens; several things happen in the order of this list.'),
    skip: z.number().int().nonnegative().default(0).describe('Times that it lets pass first.'),
    times: z
      .union([z.literal('always'), count])
      .default('always')
      .describe('Times that it happens.'),
  })
  .transform((given) => ({ ...given, when: { ...given.when, on: given.when.on ?? defaultPoint(given.when) } }))
  .check((context) => {
    const { do: chosen, when: at } = context.value
    const keys = Object.keys(chosen) as (keyof typeof places)[]
    if (keys.length === 0)
      context.issues.push({
        code: 'custom',
        input: chosen,
        path: ['do'],
        message: `says nothing to do; write one of ${Object.keys(places).join(', ')}`,
      })
    for (const key of keys) {
      if (places[key].includes(at.on)) continue
      context.issues.push({
        code: 'custom',
        input: chosen,
        path: ['do', key],
        message: `cannot happen on ${at.on}; it can on ${places[key].join(', ')}`,
      })
    }
  })

function defaultPoint({ verb, matching }: z.infer<typeof when>): 'command' | 'connect' {
  return verb !== undefined || matching !== undefined ? 'command' : 'connect'
}

export type Fault = z.output<typeof fault>
type Written = z.input<typeof fault>
/** A fault as code writes it; a pattern may be a RegExp. */
export type FaultInput = Omit<Written, 'when'> & {
  readonly when?: Omit<NonNullable<Written['when']>, 'matching'> & { readonly matching?: string | RegExp }
}
export type FaultAction = Fault['do']
export type FaultPoint = Fault['when']['on']
