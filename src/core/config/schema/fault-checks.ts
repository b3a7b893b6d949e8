import { distinct } from '../../values/distinct.ts'
import { nearestWord } from '../nearest.ts'
import { contentVerbs, replyForms, verbs } from './fault-words.ts'
import { type FaultProtocol, hasTransactions, protocols } from './protocol.ts'

/** The parts of a fault that are checked together. */
interface Checked {
  readonly when: {
    readonly protocol?: FaultProtocol | undefined
    readonly on: string
    readonly verb?: string | undefined
    readonly method?: string | undefined
    readonly matching?: string | undefined
    readonly user?: string | undefined
    readonly virtualServer?: string | undefined
    readonly direction?: 'in' | 'out' | undefined
    readonly connector?: string | undefined
  }
  readonly do: Readonly<Record<string, unknown>>
}

/** A mistake in a fault: keys from its top, and the mistake with its cure. */
interface FaultMistake {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Returns whether a fault is for sessions that the lab opens itself. */
export const isOutgoingFault = ({ direction, connector }: Checked['when']): boolean =>
  direction === undefined ? connector !== undefined : direction === 'out'

/** Returns the mistakes because of which a fault would never happen, or send something else than a reply. */
export function faultMistakes(fault: Checked): FaultMistake[] {
  const checks = [
    patternMistake,
    jmapMistake,
    directionMistake,
    placeMistake,
    verbMistake,
    contentMistake,
    dropMistake,
    storedMistake,
    reportMistake,
  ]
  return [...checks, ...lineKeys.map((key) => lineMistake(key))].flatMap((check) => check(fault))
}

function patternMistake({ when: { matching } }: Checked): FaultMistake[] {
  try {
    if (matching !== undefined) new RegExp(matching)
    return []
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: /, '')
    return [{ path: ['when', 'matching'], message: `not a regular expression: ${why}` }]
  }
}

/** The actions at a call of JMAP. */
const ofCalls = ['delay', 'error', 'drop']

/** Conditions and actions that are only for calls of JMAP, or not for them. */
function jmapMistake({ when: { protocol, on, verb, method }, do: action }: Checked): FaultMistake[] {
  if (protocol !== 'jmap') {
    const message = 'only possible with protocol: jmap'
    return [
      ...(method === undefined ? [] : [{ path: ['when', 'method'], message }]),
      ...(action.error === undefined ? [] : [{ path: ['do', 'error'], message }]),
    ]
  }
  const others = Object.keys(action).filter((key) => !ofCalls.includes(key))
  const isOtherDrop = action.drop === 'after'
  return [
    ...(on === 'command' ? [] : [{ path: ['when', 'on'], message: 'only command is possible with protocol: jmap' }]),
    ...(verb === undefined ? [] : [{ path: ['when', 'verb'], message: `write method: ${verb}` }]),
    ...others.map((key) => ({ path: ['do', key], message: `not possible with jmap, only ${ofCalls.join(', ')}` })),
    ...(isOtherDrop
      ? [{ path: ['do', 'drop'], message: 'with protocol: jmap, only before, mid-reply and rst are possible' }]
      : []),
  ]
}

/** Conditions that cannot hold in outgoing sessions, which are of SMTP or LMTP and belong to connectors. */
function directionMistake({ when, do: { drop } }: Checked): FaultMistake[] {
  const { connector, protocol = 'smtp', virtualServer, user } = when
  if (!isOutgoingFault(when)) {
    if (connector === undefined) return []
    return [{ path: ['when', 'connector'], message: 'never holds with direction: in; remove one of the two' }]
  }
  const mistakes: FaultMistake[] = []
  const never = (key: string, cure: string): unknown =>
    mistakes.push({ path: ['when', key], message: `never holds with direction: out; ${cure}` })
  if (protocol !== 'smtp' && protocol !== 'lmtp') never('protocol', 'the lab sends mail by smtp or lmtp')
  if (virtualServer !== undefined) never('virtualServer', 'write connector')
  if (user !== undefined) never('user', 'use connector or matching')
  if (drop === 'mid-reply')
    mistakes.push({ path: ['do', 'drop'], message: 'mid-reply is only possible with direction: in' })
  return mistakes
}

/** Conditions that cannot hold before the client's first command. */
function placeMistake({ when }: Checked): FaultMistake[] {
  if (when.on !== 'connect' && when.on !== 'handshake') return []
  return (['verb', 'matching', ...(when.on === 'connect' ? ['user'] : [])] as const).flatMap((key) =>
    when[key as keyof typeof when] === undefined
      ? []
      : [
          {
            path: ['when', key],
            message: `never holds on ${when.on}, before the client has sent a command; remove it`,
          },
        ],
  )
}

function verbMistake({ when: { protocol, verb } }: Checked): FaultMistake[] {
  if (verb === undefined) return []
  const upper = verb.toUpperCase()
  const known = (protocol === undefined ? protocols : [protocol]).flatMap((each) => verbs[each] ?? [upper])
  if (/^X/.test(upper) || known.includes(upper)) return []
  const near = nearestWord(upper, known)
  const kind = protocol === undefined ? 'not a command' : `not a command of ${protocol}`
  const cure = near === undefined ? 'to' : `did you mean ${near}? To`
  const message = `${kind}; ${cure} match any other line, write matching: "^${upper}"`
  return [{ path: ['when', 'verb'], message }]
}

/** Conditions that cannot hold after the content of a message. */
function contentMistake({ when: { on, protocol, verb } }: Checked): FaultMistake[] {
  if (on !== 'end-of-data') return []
  const possible = protocol === undefined ? distinct(Object.values(contentVerbs).flat()) : contentVerbs[protocol]
  if (!possible) {
    const others = Object.keys(contentVerbs).join(', ')
    return [{ path: ['when', 'protocol'], message: `clients send no messages; end-of-data is for ${others}` }]
  }
  if (verb === undefined || possible.includes(verb.toUpperCase())) return []
  return [{ path: ['when', 'verb'], message: `never holds on end-of-data; must be ${possible.join(', ')}` }]
}

function dropMistake({ when: { on }, do: action }: Checked): FaultMistake[] {
  if (on !== 'data' || action.drop === undefined) return []
  if (action.drop === 'rst' && action.dropAfterOctets !== undefined) return []
  return [{ path: ['do', 'drop'], message: 'on data, only rst is possible, together with dropAfterOctets' }]
}

/** The actions in place of the reply to a message. */
const INSTEAD = ['reply', 'rawReply', 'garbage', 'oversizedReply', 'silence'] as const
/** A refusal of SMTP, NNTP or IMAP4. */
const REFUSAL = /^(?:[45]\d\d|(?:\{tag\} )?(?:NO|BAD)\b)/

function storedMistake({ when: { on }, do: action }: Checked): FaultMistake[] {
  if (on !== 'end-of-data') return []
  const replaces = INSTEAD.some((key) => action[key] !== undefined) || action.drop === 'before' || action.drop === 'rst'
  const isRefusal = REFUSAL.test([action.reply].flat().at(-1) as string)
  const path = ['do', 'stored']
  if (replaces && !isRefusal && action.stored === undefined) {
    const choice = 'true (the message is kept, as if the acknowledgement were lost) or false (the message is lost)'
    return [{ path, message: `write ${choice}` }]
  }
  if (replaces || action.stored === undefined) return []
  return [{ path, message: 'has no effect, because nothing takes the place of the reply: the message is stored' }]
}

function reportMistake({ when: { on, protocol = 'smtp', verb }, do: { report } }: Checked): FaultMistake[] {
  if (report === undefined) return []
  if (!hasTransactions(protocol))
    return [{ path: ['when', 'protocol'], message: 'report is only possible with smtp and lmtp' }]
  if (on !== 'command' || verb?.toUpperCase() === 'RCPT') return []
  return [{ path: ['when', 'verb'], message: 'must be RCPT, because of report; or write on: end-of-data' }]
}

const lineKeys = ['reply', 'greeting'] as const

const lineMistake =
  (key: (typeof lineKeys)[number]) =>
  ({ when, do: action }: Checked): FaultMistake[] => {
    const value = action[key]
    if (value === undefined) return []
    const lines = [value].flat() as string[]
    const path = ['do', key]
    if (lines.some((line) => /[\r\n]/.test(line))) {
      return [{ path, message: 'contains a line end; write a list with one text for each line' }]
    }
    const possible = protocolsOf(when)
    const isReply = possible.some((protocol) => replyForms[protocol]?.fits(lines, when.on === 'connect') ?? true)
    if (isReply) return []
    const examples = possible.map((protocol) => `"${exampleOf(protocol, when.on)}" (${protocol})`).join(', ')
    return [{ path, message: `not a reply; write for example ${examples}. rawReply sends any lines` }]
  }

/** Returns the protocols that a fault can be for. */
function protocolsOf({ protocol, verb, on }: Checked['when']): readonly FaultProtocol[] {
  if (protocol !== undefined) return [protocol]
  const upper = verb?.toUpperCase()
  if (on === 'end-of-data' && upper === undefined) return Object.keys(contentVerbs) as FaultProtocol[]
  const knowing = protocols.filter((each) => upper === undefined || verbs[each]?.includes(upper))
  return knowing.length === 0 ? protocols : knowing
}

function exampleOf(protocol: FaultProtocol, on: string): string {
  const example = replyForms[protocol]?.example ?? ''
  return on === 'connect' && protocol === 'imap4' ? '* BYE Try again later' : example
}
