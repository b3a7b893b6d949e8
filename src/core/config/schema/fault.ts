import { z } from 'zod'
import { faultMistakes, isOutgoingFault } from './fault-checks.ts'
import { mapping } from './mapping.ts'
import { faultProtocols } from './protocol.ts'
import { onDemandReport } from './reports.ts'
import { duration, octets } from './values.ts'

const count = z.number().int().positive()

const when = mapping(() => ({
  protocol: z
    .enum(faultProtocols)
    .optional()
    .describe(
      'Only for this protocol; jmap: calls of methods on http virtual servers. Default: all but http and jmap, so that the API stays within reach.',
    )
    .meta({ examples: ['smtp'] }),
  virtualServer: z
    .string()
    .optional()
    .describe('Only for the virtual server with this name.')
    .meta({ examples: ['Default SMTP Virtual Server'] }),
  direction: z
    .enum(['in', 'out'])
    .optional()
    .describe(
      'in: sessions of clients. out: sessions in which the lab sends mail to other hosts; replies are then those that the lab gets. Default: in, but out if connector is given.',
    )
    .meta({ examples: ['out'] }),
  connector: z
    .string()
    .optional()
    .describe('Only for sessions that the connector with this name opens.')
    .meta({ examples: ['Default SMTP Connector'] }),
  on: z
    .enum(['connect', 'handshake', 'command', 'data', 'end-of-data'])
    .optional()
    .describe(
      'connect: before the greeting. handshake: after the ClientHello. command: when the client sends a command. data: while the client sends a message. end-of-data: after the content of a message or article, before it is stored. Default: command if verb or matching is given, else connect.',
    )
    .meta({ examples: ['command'] }),
  verb: z
    .string()
    .min(1)
    .optional()
    .describe('Only for this command: RCPT, RETR, UID FETCH, AUTHINFO …')
    .meta({ examples: ['RCPT'] }),
  method: z
    .string()
    .regex(/^\w+\/\w+$/, 'write a method such as Email/set')
    .optional()
    .describe('jmap: only for calls of this method.')
    .meta({ examples: ['Email/set'] }),
  matching: z
    .string()
    .min(1)
    .optional()
    .describe('Only for command lines that match this regular expression. Case is ignored.')
    .meta({ examples: ['bob@'] }),
  user: z
    .string()
    .optional()
    .describe('Only after this account has logged on.')
    .meta({ examples: ['alice'] }),
  tls: z
    .boolean()
    .optional()
    .describe('true: only over TLS. false: only in clear text.')
    .meta({ examples: [false] }),
  connection: count
    .optional()
    .describe('Only for the n-th connection to a virtual server.')
    .meta({ examples: [2] }),
  nth: count
    .optional()
    .describe('Only the n-th time that the other conditions match in a session.')
    .meta({ examples: [3] }),
  chance: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Probability from 0 to 1. testing.seed makes the result repeatable.')
    .meta({ examples: [0.1] }),
}))

const action = mapping(() => ({
  delay: duration
    .optional()
    .describe('Waits this long, then continues.')
    .meta({ examples: ['2s'] }),
  reply: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe(
      'Sends this line or these lines and does not run the command. IMAP4 lines get the tag. On connect: sends the reply, then closes the connection.',
    )
    .meta({ examples: ['451 4.3.0 Try again later'] }),
  rawReply: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe('Like reply, but sends the lines as they are: without a check, and without a tag for IMAP4.')
    .meta({ examples: ['banana'] }),
  greeting: z
    .string()
    .min(1)
    .optional()
    .describe('On connect: sends this line as the greeting, then continues.')
    .meta({ examples: ['* PREAUTH welcome back'] }),
  inject: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe(
      'On STARTTLS or STLS: sends this in clear text after the reply, before the handshake. {tag+1} becomes the next IMAP4 tag.',
    )
    .meta({ examples: ['250 injected'] }),
  error: z
    .string()
    .regex(/^[A-Za-z]+$/, 'write the type of an error such as serverUnavailable')
    .optional()
    .describe(
      'jmap: answers the call with an error of this type: serverUnavailable, stateMismatch … notJSON, notRequest, limit and unknownCapability refuse the whole request.',
    )
    .meta({ examples: ['serverUnavailable'] }),
  throttle: count
    .optional()
    .describe('Limits what is sent to the client to this many octets per second.')
    .meta({ examples: [1000] }),
  drop: z
    .enum(['before', 'after', 'mid-reply', 'rst'])
    .optional()
    .describe(
      'Closes the connection before, after or in the middle of the reply. rst: before the reply, with a TCP reset; on data, dropAfterOctets says when.',
    )
    .meta({ examples: ['mid-reply'] }),
  dropAfterOctets: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('On data: closes the connection after this many octets of the message.')
    .meta({ examples: [100] }),
  halfClose: z
    .literal(true)
    .optional()
    .describe('Closes the sending side of the connection and keeps reading.')
    .meta({ examples: [true] }),
  silence: z
    .literal(true)
    .optional()
    .describe('Sends nothing more and keeps the connection open.')
    .meta({ examples: [true] }),
  garbage: octets
    .optional()
    .describe('Sends this many random octets instead of the reply.')
    .meta({ examples: ['1KiB'] }),
  oversizedReply: octets
    .optional()
    .describe('Sends one line of this many octets instead of the reply.')
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
  hide: z
    .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]*$/, 'write keywords of EHLO such as STARTTLS'))
    .min(1)
    .optional()
    .describe('direction out, on EHLO: hides these extensions in the reply of the other host.')
    .meta({ examples: [['STARTTLS']] }),
  distrust: z
    .string()
    .min(1)
    .optional()
    .describe('direction out, on handshake: the certificate of the other host is not accepted, for this reason.')
    .meta({ examples: ['the certificate has expired'] }),
  report: onDemandReport
    .optional()
    .describe(
      'smtp, on RCPT or end-of-data: accepts the recipient, or the message, and sends this report later, as the address of that name does (docs/bounces.md).',
    )
    .meta({ examples: ['bounce+550.postfix'] }),
  stored: z
    .boolean()
    .optional()
    .describe(
      'On end-of-data, with an action in place of the reply: whether the message is stored. true: the message is kept although the client does not learn it (a lost acknowledgement; clients send it again). false: the message is lost. Must be written unless reply is a refusal, where it is false.',
    )
    .meta({ examples: [true] }),
}))

type Places = Readonly<Record<keyof z.infer<typeof action>, readonly string[]>>

/** The points of a client's session at which each action is possible. */
const places: Places = {
  delay: ['connect', 'handshake', 'command', 'end-of-data'],
  reply: ['connect', 'command', 'end-of-data'],
  rawReply: ['connect', 'command', 'end-of-data'],
  greeting: ['connect'],
  inject: ['command'],
  error: ['command'],
  throttle: ['connect', 'command'],
  drop: ['connect', 'handshake', 'command', 'data', 'end-of-data'],
  dropAfterOctets: ['data'],
  halfClose: ['connect', 'command'],
  silence: ['connect', 'handshake', 'command', 'end-of-data'],
  garbage: ['connect', 'handshake', 'command', 'end-of-data'],
  oversizedReply: ['connect', 'command', 'end-of-data'],
  abortHandshake: ['handshake'],
  hide: [],
  distrust: [],
  report: ['command', 'end-of-data'],
  stored: ['end-of-data'],
}

/** The points of an outgoing session at which each action is possible. */
const outgoingPlaces: Places = {
  ...places,
  greeting: [],
  inject: [],
  error: [],
  throttle: [],
  drop: ['connect', 'handshake', 'command', 'end-of-data'],
  dropAfterOctets: [],
  halfClose: [],
  silence: ['connect', 'command', 'end-of-data'],
  garbage: [],
  oversizedReply: [],
  report: [],
  hide: ['command'],
  distrust: ['handshake'],
}

const name = z
  .string()
  .min(1)
  .optional()
  .describe('Name of the fault in session records.')
  .meta({ examples: ['greylisting'] })
const whenHappens = when.prefault({}).describe('When the fault happens. All conditions must match.')
const skip = z.number().int().nonnegative().default(0).describe('Number of matches to ignore first.')
const times = z
  .union([z.literal('always'), count])
  .default('always')
  .describe('How often the fault happens.')

/** The keys of a fault. Which of them go together, `fault` checks. */
export const faultKeys = mapping(() => ({
  name,
  when: whenHappens,
  do: action.describe('What happens. Several actions run in the order of this list.'),
  skip,
  times,
}))

/** A fault to inject: when, what, and how often. */
export const fault = faultKeys
  .transform((given) => ({ ...given, when: { ...given.when, on: given.when.on ?? defaultPoint(given.when) } }))
  .check((context) => {
    const { value, issues } = context
    const add = (path: PropertyKey[], message: string): unknown =>
      issues.push({ code: 'custom', input: value, path, message })
    for (const { path, message } of faultMistakes(value)) add([...path], message)
    const keys = Object.keys(value.do) as (keyof typeof places)[]
    if (keys.length === 0) add(['do'], `no action; add one of ${Object.keys(places).join(', ')}`)
    const isOutgoing = isOutgoingFault(value.when)
    const possible = isOutgoing ? outgoingPlaces : places
    for (const key of keys) {
      if (possible[key].length === 0) add(['do', key], `only possible with direction: ${isOutgoing ? 'in' : 'out'}`)
      else if (!possible[key].includes(value.when.on))
        add(['do', key], `not possible on ${value.when.on}, only on ${possible[key].join(', ')}`)
    }
  })

/** The points at which a function can decide. */
const SCRIPTED: readonly string[] = ['connect', 'command', 'end-of-data']

/** A fault of a test whose function decides, command by command, what happens. */
export const scriptedFault = mapping(() => ({
  name,
  when: whenHappens,
  do: z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function'),
  skip,
  times,
}))
  .transform((given) => ({ ...given, when: { ...given.when, on: given.when.on ?? ('command' as const) } }))
  .check(({ value, issues }) => {
    const { on } = value.when
    const mistakes = [...faultMistakes({ when: value.when, do: {} })]
    if (!SCRIPTED.includes(on)) {
      mistakes.push({ path: ['when', 'on'], message: `a function is possible on ${SCRIPTED.join(', ')}` })
    }
    for (const { path, message } of mistakes) issues.push({ code: 'custom', input: value, path: [...path], message })
  })

function defaultPoint({ protocol, verb, matching, method }: z.infer<typeof when>): 'command' | 'connect' {
  const isAtCommand = protocol === 'jmap' || [verb, matching, method].some((one) => one !== undefined)
  return isAtCommand ? 'command' : 'connect'
}

export type Fault = z.output<typeof fault>
/** When and how often a fault happens. */
export type FaultConditions = Omit<Fault, 'do'>
type Written = z.input<typeof fault>
/** A fault as an argument of the library: `matching` can also be a RegExp. */
export type FaultInput = Omit<Written, 'when'> & {
  readonly when?: Omit<NonNullable<Written['when']>, 'matching'> & { readonly matching?: string | RegExp }
}
export type FaultActionInput = Written['do']
export type FaultAction = Fault['do']
export type FaultPoint = Fault['when']['on']
