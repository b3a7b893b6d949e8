import { addressKey, splitAddress, withoutDetail } from '../../../accounts/directory/names.ts'
import type { Account } from '../../../accounts/directory/types.ts'
import type { OutOfOffice } from '../../../core/config/schema/reports.ts'
import { joinPieces } from '../../../core/octets/pieces.ts'
import { accountOwner } from '../../../storage/store/folder.ts'
import type { MessageStore } from '../../../storage/store/types.ts'
import type { Delivery, DeliveryServices } from '../types.ts'
import { isAddressedTo, whyNoAnswer } from './automatic-mail.ts'
import { type AutomaticReply, writeAutomaticReply } from './automatic-reply.ts'
import { sendOwnMail } from './send.ts'

/**
 * Answers a delivered message for recipients who are out of office. RFC 3834.
 * @param at time of the reply, in milliseconds since the epoch
 * @throws DeliveryError, StoreError; the message itself stays delivered
 */
export async function answerOutOfOffice(services: DeliveryServices, delivery: Delivery, at: number): Promise<void> {
  const { mailFrom, recipients, session } = delivery
  const absent = new Map<string, readonly [account: Account, address: string]>()
  for (const { destination, address } of recipients) {
    if (destination.kind === 'mailbox' && destination.account.outOfOffice && !absent.has(destination.account.user)) {
      absent.set(destination.account.user, [destination.account, address])
    }
  }
  if (absent.size === 0) return
  const message = joinPieces(delivery.message)
  if (whyNoAnswer({ mailFrom, message }) !== undefined) return
  const failures: Error[] = []
  // One that fails does not keep the others from answering.
  for (const [account, address] of absent.values()) {
    const { outOfOffice } = account
    if (!outOfOffice || isOwn(account, mailFrom)) continue
    const text = textFor(services, outOfOffice, mailFrom, at)
    if (text === undefined) continue
    if (!isAddressedTo(message, (named) => isOwn(account, named) || addressKey(named) === addressKey(address))) continue
    const { subject } = outOfOffice
    const { hostname } = services
    const reply = { hostname, from: address, to: mailFrom, message, text, subject, form: 'standard', at } as const
    try {
      if (!(await isFirst(services.store, account, mailFrom, at - outOfOffice.repeatAfter, at))) continue
      await sendOrForget(services, account, reply, session)
    } catch (error) {
      failures.push(error as Error)
    }
  }
  if (failures.length > 1) throw new AggregateError(failures, failures.map(({ message: why }) => why).join('; '))
  if (failures[0]) throw failures[0]
}

/** Sends a reply. If it cannot be sent, the sender gets one for the next message. @throws DeliveryError, StoreError */
async function sendOrForget(
  services: DeliveryServices,
  { user }: Account,
  reply: AutomaticReply,
  session: Delivery['session'],
): Promise<void> {
  try {
    await sendOwnMail(services, { to: reply.to, raw: await writeAutomaticReply(reply), session }, reply.at)
  } catch (error) {
    await services.store.changeValues(answeredSpace(user), () => new Map([[addressKey(reply.to), undefined]]))
    throw error
  }
}

const answeredSpace = (user: string) => ({ kind: 'answered', reader: accountOwner(user) }) as const

/** Returns the text for a sender; undefined if there is no reply now or for this sender. */
function textFor(services: DeliveryServices, settings: OutOfOffice, mailFrom: string, at: number): string | undefined {
  const { text, external = text, from, until } = settings
  if (from !== undefined && at < Date.parse(from)) return undefined
  if (until !== undefined && at >= Date.parse(until)) return undefined
  if (services.directory.isLocalDomain(splitAddress(mailFrom).domain)) return text
  return external === 'off' ? undefined : external
}

/** Returns whether an address belongs to an account, also with a detail (`alice+tag@…`). */
function isOwn({ addresses }: Account, address: string): boolean {
  const { localPart, domain } = splitAddress(address)
  const keys = [addressKey(address), addressKey(`${withoutDetail(localPart)}@${domain}`)]
  return addresses.some((own) => keys.includes(addressKey(own)))
}

/** Remembers that a sender gets a reply. Returns false if the sender got one after `since`. RFC 3834 section 2. */
async function isFirst(
  store: MessageStore,
  { user }: Account,
  to: string,
  since: number,
  at: number,
): Promise<boolean> {
  const name = addressKey(to)
  let first = false
  await store.changeValues(answeredSpace(user), (current) => {
    const old = [...current].filter(([, value]) => Number(value.toString()) <= since).map(([known]) => known)
    first = !current.has(name) || old.includes(name)
    const forgotten = old.map((known) => [known, undefined] as const)
    return new Map<string, Buffer | undefined>(first ? [...forgotten, [name, Buffer.from(String(at))]] : forgotten)
  })
  return first
}
