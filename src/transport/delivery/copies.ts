import type { Account } from '../../accounts/directory/types.ts'
import type { Pieces } from '../../core/octets/pieces.ts'
import { distinct } from '../../core/values/distinct.ts'
import type { DeliveryEnvelope } from '../../storage/store/delivery-envelope.ts'
import { accountOwner, type Owner } from '../../storage/store/folder.ts'
import { openCaptured, openInbox } from '../../storage/store/mailboxes.ts'
import { limitOf } from '../../storage/store/quota.ts'
import type { AppendTarget, HoldLimit, NewMessage } from '../../storage/store/types.ts'
import { headerOf, matchesFilters, matchesRecipient } from '../outgoing/filters.ts'
import type { StrippedMessage } from './bcc.ts'
import { type ScriptRun, withRest } from './run-scripts.ts'
import type { Delivery, DeliveryServices, Recipient } from './types.ts'

/** A message as received, and without its Bcc fields if it has some. */
export interface MessageForms {
  readonly whole: Pieces
  readonly stripped: StrippedMessage | undefined
}

/** Returns the form of a message for a recipient: those named in Bcc see the field, others must not. RFC 5322 section 3.6.3 */
export const formFor = ({ whole, stripped }: MessageForms, address: string): Pieces =>
  !stripped || stripped.names(address) ? whole : stripped.message

/** The decisions about a message that say which mailboxes get which copy. */
interface CopyRules {
  readonly forms: MessageForms
  /** The runs of scripts, by account. */
  readonly runs: ReadonlyMap<string, ScriptRun>
  /** The recipients elsewhere of whose mail the lab keeps no copy. */
  readonly withoutCopy: ReadonlySet<string>
}

/** A copy of a message for one folder. */
interface FolderCopy {
  readonly folderId: string
  octets: Pieces
  /** The most that the account may have afterwards. */
  readonly limit?: HoldLimit | undefined
  /** Flags that a script sets. */
  readonly flags?: readonly string[]
  /** The recipients of the copy, where rules divide captured mail. */
  readonly rcptTo?: string[]
}

/** The accounts and the owners of mailboxes that a delivery creates. They are removed again if it fails. */
export interface Created {
  readonly accounts: Account[]
  readonly owners: Owner[]
}

/** Returns the copies of a message, and creates missing accounts and mailboxes. @param created gets those that are new */
export async function copiesFor(
  services: DeliveryServices,
  delivery: Delivery,
  { forms, runs, withoutCopy }: CopyRules,
  created: Created,
): Promise<readonly FolderCopy[]> {
  const { store } = services
  const capturedFolder = capturedFolders(services, delivery)
  const areCapturedDivided = (services.captured?.mailboxes.length ?? 0) > 0
  const copies = new Map<string, FolderCopy>()
  for (const { address, destination } of delivery.recipients) {
    if (destination.kind === 'newsgroup') continue
    if (destination.kind === 'captured') {
      if (withoutCopy.has(address)) continue
      const { id } = await openCaptured(store, capturedFolder(address, destination.domain))
      const copy = copies.get(id)
      copy?.rcptTo?.push(address)
      // The lab's own copy stays complete.
      if (!copy) copies.set(id, { folderId: id, octets: forms.whole, ...(areCapturedDivided && { rcptTo: [address] }) })
      continue
    }
    const { account } = destination
    const owner = await ownerOf(services, account, created)
    if (runs.has(account.user)) continue
    const { id } = await openInbox(store, owner)
    const octets = formFor(forms, address)
    const copy = copies.get(id)
    if (!copy) copies.set(id, { folderId: id, octets, limit: await limitOf(store, owner, account.quota) })
    // One address of the mailbox is named in Bcc, and sees the field.
    else if (octets === forms.whole) copy.octets = octets
  }
  return runs.size === 0
    ? [...copies.values()]
    : [...copies.values(), ...(await scriptedCopies(services, delivery, runs))]
}

/** Returns the copies that scripts store: each once, whichever addresses of the account are among the recipients. */
async function scriptedCopies(
  { store }: DeliveryServices,
  { recipients }: Delivery,
  runs: CopyRules['runs'],
): Promise<FolderCopy[]> {
  const accounts = new Map(
    recipients.flatMap(({ destination }) =>
      destination.kind === 'mailbox' ? [[destination.account.user, destination.account] as const] : [],
    ),
  )
  const copies: FolderCopy[] = []
  for (const run of runs.values()) {
    const limit = await limitOf(store, accountOwner(run.user), accounts.get(run.user)?.quota)
    for (const { folder, flags, message } of run.copies)
      copies.push({ folderId: folder.id, octets: message, limit, flags })
  }
  return copies
}

/**
 * Returns the owner of the mailbox of an account. An open directory gets an account that it does not have yet: only now,
 * because RCPT alone must not fill it.
 */
async function ownerOf({ directory, store }: DeliveryServices, wanted: Account, created: Created): Promise<Owner> {
  const { account, isNew } = await directory.add(wanted)
  const owner = accountOwner(account.user)
  if (isNew) {
    created.accounts.push(account)
    if (!(await store.findFolder(owner, 'INBOX'))) created.owners.push(owner)
  }
  return owner
}

/** The targets of a message. */
interface Targets {
  readonly copies: readonly FolderCopy[]
  /** The flags of every copy. */
  readonly flags: readonly string[]
  /** The messages of the queue of outgoing mail. */
  readonly queued: readonly AppendTarget[]
}

/** Returns the messages to store: one for each form, with all its targets. */
export function batchOf(
  delivery: Delivery,
  { whole, stripped }: MessageForms,
  { copies, flags, queued }: Targets,
): NewMessage[] {
  const { trace, rest, at } = delivery
  const envelope = envelopeOf(delivery)
  const targets = new Map<Pieces, AppendTarget[]>([[whole, []]])
  if (stripped) targets.set(stripped.message, [])
  const add = (octets: Pieces, ...more: readonly AppendTarget[]): void => {
    const found = targets.get(octets)
    if (found) found.push(...more)
    else targets.set(octets, [...more])
  }
  for (const { folderId, octets, limit, flags: own, rcptTo } of copies)
    add(octets, {
      folderId,
      flags: own ? distinct([...flags, ...own]) : flags,
      ...(limit && { limit }),
      ...(rcptTo && { envelope: { ...envelope, rcptTo } }),
    })
  // Other hosts must not see the Bcc fields. RFC 5322 section 3.6.3
  add(stripped?.message ?? whole, ...queued)
  const batch: NewMessage[] = []
  for (const [octets, its] of targets) {
    if (its.length === 0) continue
    const raw = withRest(trace ? [trace, ...octets] : octets, rest)
    batch.push({ raw, targets: its, envelope, internalDate: at })
  }
  return batch
}

/** The envelope of a client's last message. The next one often has the same, and the store keeps it only once then. */
const lastEnvelopes = new WeakMap<object, DeliveryEnvelope>()

function envelopeOf({ mailFrom, recipients, session, client, authentication, requireTls }: Delivery): DeliveryEnvelope {
  const last = client && lastEnvelopes.get(client)
  const isUsual = !authentication && !requireTls
  if (last && isUsual && last.mailFrom === mailFrom && last.session === session && isTo(last, recipients)) return last
  const rcptTo = recipients.map(({ address }) => address)
  const envelope: DeliveryEnvelope = {
    mailFrom,
    rcptTo,
    ...(session === undefined ? {} : { session }),
    ...(client ? { client } : {}),
    ...(authentication ? { authentication } : {}),
    ...(requireTls ? { requireTls } : {}),
  }
  if (client && isUsual) lastEnvelopes.set(client, envelope)
  return envelope
}

const isTo = ({ rcptTo = [] }: DeliveryEnvelope, recipients: readonly Recipient[]): boolean =>
  rcptTo.length === recipients.length && rcptTo.every((address, at) => address === recipients[at]?.address)

/** Returns the function that names the folder of captured mail for a recipient of a message. */
function capturedFolders(
  { captured }: Pick<DeliveryServices, 'captured'>,
  { mailFrom, account, client, message }: Delivery,
): (address: string, domain: string) => string {
  const { folder, mailboxes = [] } = captured ?? {}
  if (mailboxes.length === 0) return (_, domain) => folder ?? domain
  const filtered = { mailFrom, account, client, header: headerOf(message) }
  const matching = mailboxes.filter(({ filters }) => matchesFilters(filters, filtered))
  return (address, domain) =>
    matching.find(({ filters }) => matchesRecipient(filters, address))?.name ?? folder ?? domain
}
