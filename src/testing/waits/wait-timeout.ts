import { describeSession, hasFailed } from '../../core/sessions/describe.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { differences, type MessageFilter } from '../received/filter.ts'
import type { LabMessage } from '../received/message.ts'

/** Thrown if nothing matches in time. Lists what did happen: messages that arrived, and sessions with their refusals. */
export class WaitTimeout extends Error {
  override readonly name = 'WaitTimeout'
}

/** A message that a wait looked at. */
export interface Candidate {
  readonly message: LabMessage
  /** Whether an earlier wait has returned it. */
  readonly isTaken: boolean
}

/** Longer lists are cut. */
const MAX_LINES = 20

/** Returns the lines about the messages that arrived, those that almost match first, with what differs. */
export function arrivedLines(candidates: readonly Candidate[], filter: MessageFilter): string[] {
  const compared = candidates.map(({ message, isTaken }) => ({
    message,
    isTaken,
    differ: differences(message, filter),
  }))
  const lines = compared
    .sort((a, b) => a.differ.length - b.differ.length)
    .map(({ message, isTaken, differ }) => `${describeMessage(message)}${reason(isTaken, differ)}`)
  return section('messages that arrived', [...new Set(lines)], 'more')
}

function reason(isTaken: boolean, differ: readonly string[]): string {
  if (differ.length > 0) return `; ${differ.join(', ')}`
  return isTaken ? '; an earlier wait has already returned it' : ''
}

/** Returns the lines about sessions. If there are many, those that failed are shown rather than others. */
export function sessionLines(sessions: readonly SessionRecord[]): string[] {
  if (sessions.length === 0) return ['sessions: none, no client has connected']
  const failedFirst = sessions.toSorted((a, b) => Number(hasFailed(b)) - Number(hasFailed(a)))
  const shown = sessions.length > MAX_LINES ? failedFirst : sessions
  return section('sessions', shown.map(describeSession), 'more')
}

export function section(title: string, lines: readonly string[], rest: string): string[] {
  if (lines.length === 0) return [`${title}: none`]
  const omitted = lines.length > MAX_LINES ? [`  … and ${lines.length - MAX_LINES} ${rest}`] : []
  return [`${title}:`, ...lines.slice(0, MAX_LINES).map((line) => `  ${line}`), ...omitted]
}

/** Describes a message in one line: `from <a@lab.test> to <b@lab.test>: "Hello"`. */
export function describeMessage({ envelope, subject }: LabMessage): string {
  const title = subject === '' ? '(no subject)' : JSON.stringify(subject)
  return `from <${envelope.from}> to <${envelope.to.join('>, <')}>: ${title}`
}
