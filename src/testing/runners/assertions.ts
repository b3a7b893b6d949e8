import { AssertionError } from 'node:assert'
import type { SessionRecord } from '../../sessions/types.ts'
import { type EncryptionWish, type MatcherResult, matchers, type ReceiverOfMessages } from '../matchers.ts'
import type { LabMessage } from '../message.ts'
import type { MessageQuery } from '../receiver.ts'
import type { WaitOptions } from '../wait.ts'

function demand(result: MatcherResult, stackStartFn: (...args: never[]) => unknown): void {
  if (!result.pass) throw new AssertionError({ message: result.message(), stackStartFn })
}

/**
 * Waits until a lab or tenant has a matching message. `waitForMessage` can still return it.
 * @throws AssertionError that lists what did arrive
 */
export async function assertReceived(
  receiver: ReceiverOfMessages,
  filter: MessageQuery = {},
  options: WaitOptions = {},
): Promise<void> {
  demand(await matchers.toHaveReceived.call(undefined, receiver, filter, options), assertReceived)
}

/**
 * Checks that a message or session used a TLS channel of at least this strength (default: TLS, 128 bits).
 * @throws AssertionError
 */
export function assertEncrypted(messageOrSession: LabMessage | SessionRecord, wish: EncryptionWish = {}): void {
  demand(matchers.toHaveBeenEncrypted(messageOrSession, wish), assertEncrypted)
}
