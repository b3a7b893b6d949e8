import { AssertionError } from 'node:assert'
import type { SessionRecord } from '../../core/sessions/types.ts'
import type { DkimWish, MatcherResult } from '../matchers/authentication-matchers.ts'
import { type EncryptionWish, matchers, type ReceiverOfMessages } from '../matchers/matchers.ts'
import type { LabMessage } from '../received/message.ts'
import type { MessageArguments } from '../received/receiver.ts'

function demand(result: MatcherResult, stackStartFn: (...args: never[]) => unknown): void {
  if (!result.pass) throw new AssertionError({ message: result.message(), stackStartFn })
}

/**
 * Waits until a lab or tenant has a matching message. `waitForMessage` can still return it.
 * @throws AssertionError that lists what did arrive
 */
export async function assertReceived(receiver: ReceiverOfMessages, ...rest: MessageArguments): Promise<void> {
  demand(await matchers.toHaveReceived.call(undefined, receiver, ...rest), assertReceived)
}

/**
 * Checks that a message or session used a TLS channel of at least this strength (default: TLS, 128 bits).
 * @throws AssertionError
 */
export function assertEncrypted(messageOrSession: LabMessage | SessionRecord, wish: EncryptionWish = {}): void {
  demand(matchers.toHaveBeenEncrypted(messageOrSession, wish), assertEncrypted)
}

/** Checks that DMARC of a message passes. @throws AssertionError that says what SPF and DKIM found */
export function assertPassesDmarc(message: LabMessage): void {
  demand(matchers.toPassDmarc(message), assertPassesDmarc)
}

/** Checks that a DKIM signature of a message is valid: of any domain, or of the wanted one. @throws AssertionError */
export function assertPassesDkim(message: LabMessage, wish: DkimWish = {}): void {
  demand(matchers.toPassDkim(message, wish), assertPassesDkim)
}

/** Checks that the client was allowed to send for the domain of MAIL FROM. @throws AssertionError */
export function assertPassesSpf(message: LabMessage): void {
  demand(matchers.toPassSpf(message), assertPassesSpf)
}
