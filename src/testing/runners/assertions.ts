import { AssertionError } from 'node:assert'
import type { SessionRecord } from '../../core/sessions/types.ts'
import type { DkimWish, MatcherResult } from '../matchers/authentication-matchers.ts'
import type { UnsubscribeWish } from '../matchers/check-matchers.ts'
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

/** Checks List-Unsubscribe and one-click unsubscribe (RFC 8058). @throws AssertionError that lists the findings */
export async function assertValidUnsubscribe(message: LabMessage, wish: UnsubscribeWish = {}): Promise<void> {
  demand(await matchers.toHaveValidUnsubscribe(message, wish), assertValidUnsubscribe)
}

/** Checks that mail programs such as `outlook` support the HTML, CSS and images. @throws AssertionError that lists the findings */
export async function assertSupportedBy(message: LabMessage, client: string): Promise<void> {
  demand(await matchers.toBeSupportedBy(message, client), assertSupportedBy)
}

/** Checks the targets of links, without opening them. @throws AssertionError that lists the findings */
export async function assertNoBrokenLinks(message: LabMessage): Promise<void> {
  demand(await matchers.toHaveNoBrokenLinks(message), assertNoBrokenLinks)
}

/** Checks the accessibility of the HTML. @throws AssertionError that lists the findings */
export async function assertAccessible(message: LabMessage): Promise<void> {
  demand(await matchers.toBeAccessible(message), assertAccessible)
}
