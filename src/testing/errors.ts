import type { SessionRecord } from '../sessions/types.ts'
import type { LabMessage, MessageFilter } from './message.ts'

/** No message came that was waited for; the text tells what did come, and why sessions were refused. */
export class WaitTimeout extends Error {
  override readonly name = 'WaitTimeout'
  constructor(
    filter: MessageFilter,
    timeoutMs: number,
    messages: readonly LabMessage[],
    sessions: readonly SessionRecord[],
  ) {
    super(
      [
        `no message with ${describeFilter(filter)} within ${timeoutMs} ms`,
        ...section('what did arrive', messages.map(describeMessage)),
        ...section('sessions', sessions.map(describeSession)),
      ].join('\n'),
    )
  }
}

/** Lines of a list that are told; the latest ones. */
const MAX_LINES = 20

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [`${title}: none`]
  const left = lines.length > MAX_LINES ? [`  … and ${lines.length - MAX_LINES} before`] : []
  return [`${title}:`, ...left, ...lines.slice(-MAX_LINES).map((line) => `  ${line}`)]
}

const shown = (value: string | RegExp): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

function describeFilter(filter: MessageFilter): string {
  const conditions = (['to', 'from', 'subject', 'text', 'folder'] as const).flatMap((key) => {
    const value = filter[key]
    return value === undefined ? [] : [`${key} ${shown(value)}`]
  })
  if (filter.matches) conditions.push('a match by function')
  return conditions.length === 0 ? 'any content' : conditions.join(', ')
}

function describeMessage({ envelope, subject }: LabMessage): string {
  const title = subject === '' ? '(no subject)' : JSON.stringify(subject)
  return `from <${envelope.from}> to <${envelope.to.join('>, <')}>: ${title}`
}

function describeSession({ id, user, tls, refusals, endCause }: SessionRecord): string {
  const channel = tls ? `${tls.version} ${tls.cipher}` : 'clear text'
  const refused = refusals.length === 0 ? '' : `; refused: ${refusals.join('; ')}`
  return `${id} ${user ?? 'nobody'} over ${channel}, ${endCause ?? 'open'}${refused}`
}
