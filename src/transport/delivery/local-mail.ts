import type { Logger } from 'pino'
import type { Refusal } from '../../core/config/on-demand/replies.ts'
import type { Clock } from '../../core/time/clock.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import type { StoredMessage } from '../../storage/store/message-entry.ts'
import { deliver } from './deliver.ts'
import { reportAfterDelivery } from './reports/after-delivery.ts'
import { resolveOnDemand } from './reports/on-demand/resolve.ts'
import { resolveNamed } from './resolve.ts'
import { type Delivery, DeliveryError, type DeliveryServices, type Recipient } from './types.ts'

/** A message from the lab itself: to a moderator, or from test code. */
export interface LocalMail {
  readonly from: string
  /** Addresses or log-on names. */
  readonly to: readonly string[]
  readonly raw: Buffer
  /** Header lines to put in front of it. */
  readonly trace?: Buffer | undefined
  readonly tags?: readonly string[]
  /** Id of the session that sent it. */
  readonly session?: string | undefined
  /** Whether the sender learns otherwise about bounces and complaints that a test asks for, so that no mail reports them. */
  readonly isReportedOtherwise?: boolean
}

/** The parts of a lab that deliver its own mail. */
interface LocalDeliveryServices {
  readonly services: DeliveryServices
  readonly clock: Clock
  readonly log: Logger
}

/** Delivers a message without SMTP. Returns its copies, once they are stored. @throws DeliveryError, StoreError; no mailbox has it then */
export async function deliverLocalMail(
  { services, clock, log }: LocalDeliveryServices,
  { from, to, raw, trace, tags, session, isReportedOtherwise = false }: LocalMail,
): Promise<readonly StoredMessage[]> {
  const at = clock.now()
  // Another node may have added an account a moment ago.
  await services.directory.refresh()
  const recipients = to.map(
    (name): Recipient =>
      name.includes('@') ? { address: name, ...resolveOnDemand(services, name, from) } : resolveNamed(services, name),
  )
  const delivery: Delivery = {
    message: [raw],
    mailFrom: from,
    recipients,
    at,
    ...omitUndefined({ trace, tags, session }),
  }
  const { copies, queued } = await deliver(services, delivery)
  const own = recipients
    .filter(({ address }) => !queued.has(address))
    .filter(({ onDemand }) => !(isReportedOtherwise && onDemand && onDemand.kind !== 'vacation'))
  await reportAfterDelivery(services, { ...delivery, recipients: own }, at, (err) =>
    log.warn({ err }, 'no report was sent'),
  )
  return copies
}

/**
 * Delivers an accepted message to all recipients together or, if one is refused, to each alone: a refusal must not keep the
 * others from it.
 */
export async function deliverToEach<T>(
  recipients: readonly T[],
  deliverTo: (some: readonly T[]) => Promise<void>,
  refused: (recipient: T, refusal: Refusal) => unknown,
): Promise<void> {
  try {
    await deliverTo(recipients)
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error
    const [recipient, ...others] = recipients
    if (recipient !== undefined && others.length === 0) await refused(recipient, error.refusal)
    else for (const one of recipients) await deliverToEach([one], deliverTo, refused)
  }
}

/** An address of an envelope, whose local part may be quoted (RFC 5321 section 4.1.2), or a log-on name, which may have spaces. */
const ADDRESS =
  /^(?:(?:"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*"|[^\s\p{Cc}"<>@,;]+)@[^\s\p{Cc}<>@,;]{1,255}|[^\p{Cc}<>@]{1,255})$/u
/** RFC 5321 section 4.5.3.1.3, without the angle brackets. */
const MAX_ADDRESS_OCTETS = 254
/** 255 characters, as above. */
const MAX_NAME_OCTETS = 4 * 255

/** Checks an envelope of a caller: its addresses become parts of other texts, such as names of folders. @throws DeliveryError */
export function assertEnvelope({ from, to }: Pick<LocalMail, 'from' | 'to'>): void {
  for (const one of from === '' ? to : [from, ...to]) assertAddress(one)
}

function assertAddress(text: string): void {
  const isShort = Buffer.byteLength(text) <= (text.includes('@') ? MAX_ADDRESS_OCTETS : MAX_NAME_OCTETS)
  if (isShort && ADDRESS.test(text)) return
  throw new DeliveryError(
    'bad-address',
    `${JSON.stringify(text.slice(0, MAX_NAME_OCTETS))} is not an address such as alice@lab.test`,
  )
}
