import { nearest } from '../nearest.ts'
import { replyForms, verbs } from './fault-words.ts'
import { protocols, type ServerProtocol } from './protocol.ts'

/** The parts of a fault that are checked together. */
interface Checked {
  readonly when: {
    readonly protocol?: ServerProtocol | undefined
    readonly on: string
    readonly verb?: string | undefined
    readonly matching?: string | undefined
    readonly user?: string | undefined
  }
  readonly do: Readonly<Record<string, unknown>>
}

/** A mistake in a fault: keys from its top, and the mistake with its cure. */
export interface FaultMistake {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Returns the mistakes because of which a fault would never strike, or send something else than a reply. */
export function faultMistakes(fault: Checked): FaultMistake[] {
  return [patternMistake, placeMistake, verbMistake, ...lineKeys.map((key) => lineMistake(key))].flatMap((check) =>
    check(fault),
  )
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

/** Conditions that cannot hold before the client's first command. */
function placeMistake({ when }: Checked): FaultMistake[] {
  if (when.on !== 'connect' && when.on !== 'handshake') return []
  return (['verb', 'matching', ...(when.on === 'connect' ? ['user'] : [])] as const).flatMap((key) =>
    when[key as keyof typeof when] === undefined
      ? []
      : [{ path: ['when', key], message: `never holds on ${when.on}, before the client has sent a command` }],
  )
}

function verbMistake({ when: { protocol, verb } }: Checked): FaultMistake[] {
  if (verb === undefined) return []
  const upper = verb.toUpperCase()
  const known = (protocol === undefined ? protocols : [protocol]).flatMap((each) => verbs[each] ?? [upper])
  if (/^X/.test(upper) || known.includes(upper)) return []
  const near = nearest(upper, known)
  const hint = near === undefined ? '' : ` Did you mean ${near}?`
  const whose = protocol === undefined ? 'no command' : `no command of ${protocol}`
  return [{ path: ['when', 'verb'], message: `${whose}.${hint} For any other line, write matching: "^${upper}"` }]
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
function protocolsOf({ protocol, verb }: Checked['when']): readonly ServerProtocol[] {
  if (protocol !== undefined) return [protocol]
  const upper = verb?.toUpperCase()
  const knowing = protocols.filter((each) => upper === undefined || verbs[each]?.includes(upper))
  return knowing.length === 0 ? protocols : knowing
}

function exampleOf(protocol: ServerProtocol, on: string): string {
  const example = replyForms[protocol]?.example ?? ''
  return on === 'connect' && protocol === 'imap4' ? '* BYE Try again later' : example
}
