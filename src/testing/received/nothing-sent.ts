import { attemptsBesides, BEFORE_RESET, describeUnfinished, mayStillSend, untilRead } from '../../core/sessions/sent.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import type { Call } from '../calls/call.ts'
import { type WaitOptions, wait } from '../waits/wait.ts'
import { describeMessage, section, WaitTimeout } from '../waits/wait-timeout.ts'
import type { DeliveredMail } from './delivered-mail.ts'
import { describeFilter, type MessageFilter } from './filter.ts'
import type { LabMessage } from './message.ts'
import type { WatchedSessions } from './sessions.ts'

/** Thrown by `assertNothingSent` if something was sent. */
export class SomethingSent extends Error {
  override readonly name = 'SomethingSent'
}

/**
 * Checks that no mail was sent, once every client has finished: no SMTP session is open that has not sent anything yet or
 * that is in the middle of a message.
 * @throws SomethingSent; WaitTimeout if a client does not finish
 */
export async function assertNothingSent(
  call: Call,
  { mail, sessions }: { readonly mail: DeliveredMail; readonly sessions: WatchedSessions },
  filter: MessageFilter,
  options: WaitOptions | undefined,
): Promise<void> {
  await untilSettled(call, sessions, options)
  const messages = await mail.list(filter)
  // A filter says nothing about mail that was refused: its content never came.
  const isAny = Object.keys(filter).length === 0
  const attempts = isAny
    ? attemptsBesides(
        messages.map(({ session }) => session?.id),
        sessions.list(),
      )
    : []
  if (messages.length === 0 && attempts.length === 0) return
  const wanted = isAny ? 'mail' : `message with ${describeFilter(filter)}`
  const arrived = messages.length === 0 ? [] : section('messages that arrived', messages.map(describeArrived), 'more')
  const begun = attempts.length === 0 ? [] : section('mail that was begun and is in no mailbox', attempts, 'more')
  throw call.at(new SomethingSent([`expected that no ${wanted} was sent`, ...arrived, ...begun].join('\n')))
}

/** A message that was under way at a reset is the first of its session. */
function describeArrived(message: LabMessage, position: number, all: readonly LabMessage[]): string {
  const { session } = message
  const isFirst = all.findIndex((one) => one.session?.id === session?.id) === position
  return `${describeMessage(message)}${isFirst && session?.mail?.wasOpenAtReset ? `; ${BEFORE_RESET}` : ''}`
}

/** Resolves when no client is about to send. @throws WaitTimeout, which names the sessions that are */
function untilSettled(call: Call, sessions: WatchedSessions, options: WaitOptions | undefined): Promise<void> {
  const unfinished = (): SessionRecord[] => sessions.list().filter(mayStillSend)
  return wait<void>(call, options, {
    start: ({ resolve, reject }) => {
      const examine = async (): Promise<void> => {
        await untilRead()
        if (unfinished().length === 0) resolve()
      }
      const onChange = (): void => void examine().catch(reject)
      onChange()
      return sessions.watchChanges(onChange)
    },
    timedOut: (timeoutMs) =>
      new WaitTimeout(
        [
          `cannot say whether mail is sent: clients were still connected after ${timeoutMs} ms. Close them, or wait for the code under test`,
          ...section('SMTP sessions', unfinished().map(describeUnfinished), 'more'),
        ].join('\n'),
      ),
  })
}
