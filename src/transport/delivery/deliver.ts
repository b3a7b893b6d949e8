import type { Account } from '../../accounts/directory/types.ts'
import { countOctets, joinPieces, type Pieces } from '../../core/octets/pieces.ts'
import { runInSlices } from '../../core/time/time-slice.ts'
import { distinct } from '../../core/values/distinct.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { openCaptured, openInbox, removeEmptyMailboxes } from '../../storage/store/mailboxes.ts'
import { limitOf } from '../../storage/store/quota.ts'
import {
  type AppendTarget,
  accountOwner,
  CAPTURED_OWNER,
  type DeliveryEnvelope,
  type HoldLimit,
  type MessageStore,
  type NewMessage,
  OUTGOING_OWNER,
  OverQuota,
  type Owner,
  type StoredMessage,
  StoreError,
} from '../../storage/store/types.ts'
import { ArticleRefused } from '../news/article.ts'
import { allGroups } from '../news/inject.ts'
import { headerOf, matchesFilters, matchesRecipient } from '../outgoing/filters.ts'
import { type DeliveryPlan, planDelivery } from '../outgoing/plan.ts'
import { mayHaveBcc, type StrippedMessage, withoutBcc } from './bcc.ts'
import { checkMailboxQuota, lateQuotaError } from './check-quota.ts'
import { resolveRecipient } from './resolve.ts'
import { keepInInbox, rejectionOf, remember, runScripts, type ScriptRun, withRest } from './run-scripts.ts'
import { keywordsFor, keywordsOf } from './tags.ts'
import { type Delivery, DeliveryError, type DeliveryServices, type Recipient } from './types.ts'

/** The copies of a delivered message. */
interface Delivered {
  /** Its copies in mailboxes and its articles. */
  readonly copies: readonly StoredMessage[]
  /** The recipients to whom a connector sends it. */
  readonly queued: ReadonlySet<string>
  /** The path of a message that is in a loop, and is not sent to other hosts. */
  readonly loop?: readonly string[] | undefined
}

/**
 * Puts a message into each recipient's mailbox, once per mailbox, posts it to the newsgroups among the recipients, and queues
 * it for recipients elsewhere that a connector sends to. Resolves once the store has all of it.
 * @throws DeliveryError `mailbox-full`, `over-quota`, `article-refused`, `article-deferred`; StoreError
 */
export async function deliver(services: DeliveryServices, delivery: Delivery): Promise<Delivered> {
  const { trace, message, rest, recipients, at } = delivery
  const newsgroups = newsgroupsOf(recipients)
  const size = (delivery.octets ?? countOctets(message)) + (trace?.length ?? 0)
  await checkQuotas(services, delivery, size)
  const stripped = mayHaveBcc(message) ? await runInSlices(withoutBcc(joinPieces(message))) : undefined
  const messageFor = (address: string): Pieces => (!stripped || stripped.names(address) ? message : stripped.rest)
  const runs = await runScripts(services, delivery, messageFor)
  // A group that refuses the message must refuse it before any mailbox has it.
  const articles = newsgroups.length > 0 ? await postToNewsgroups(services, newsgroups, delivery) : []
  const outgoing = planOutgoing(services, delivery)
  // Other hosts must not see the Bcc fields. RFC 5322 section 3.6.3
  const sentOctets = stripped?.rest ?? message
  const envelope = envelopeOf(delivery)
  const folderOf = capturedFolders(services, delivery)
  /** The recipients of a copy, where rules divide them. */
  const capturedFor = new Map<string, string[]>()
  /** The most that the account of a mailbox may have afterwards, by folder. */
  const limits = new Map<string, HoldLimit | undefined>()
  const created: Account[] = []
  const newOwners: Owner[] = []
  const done = new Map<string, ScriptRun>()
  try {
    const copies = new Map<string, Pieces>()
    const scripted: { readonly folderId: string; readonly flags: readonly string[]; readonly octets: Pieces }[] = []
    for (const recipient of recipients) {
      const { address, destination } = recipient
      if (destination.kind === 'newsgroup' || outgoing.withoutCopy.has(address)) continue
      const before = created.length
      const owner = await ownerOf(services, destination, created)
      if (created.length > before && !(await services.store.findFolder(owner, 'INBOX'))) newOwners.push(owner)
      const run = destination.kind === 'mailbox' ? runs.get(destination.account.user) : undefined
      if (run && destination.kind === 'mailbox') {
        if (done.has(run.user)) continue
        done.set(run.user, run)
        for (const { folder, flags, message: octets } of run.copies) {
          scripted.push({ folderId: folder.id, flags, octets })
          limits.set(folder.id, await limitOf(services.store, owner, destination.account.quota))
        }
        continue
      }
      const { id } = await (destination.kind === 'captured'
        ? openCaptured(services.store, folderOf(address, destination.domain))
        : openInbox(services.store, owner))
      if (destination.kind === 'captured' && services.captured?.mailboxes.length)
        capturedFor.set(id, [...(capturedFor.get(id) ?? []), address])
      if (destination.kind === 'mailbox' && !limits.has(id))
        limits.set(id, await limitOf(services.store, owner, destination.account.quota))
      addCopy(copies, id, recipient, message, stripped)
    }
    const given = delivery.tags ?? []
    const flags = services.tagging
      ? keywordsFor(services.tagging, delivery, [...given, ...((await services.ruleTags?.(delivery)) ?? [])])
      : keywordsOf(given)
    const queued = outgoing.targets.length > 0 ? await queueTargets(services, outgoing.targets, delivery) : []
    const batch: NewMessage[] = []
    const contents = new Set([message, ...(stripped ? [stripped.rest] : []), ...scripted.map(({ octets }) => octets)])
    for (const copy of contents) {
      const targets: AppendTarget[] = []
      for (const [folderId, octets] of copies) {
        const rcptTo = capturedFor.get(folderId)
        const limit = limits.get(folderId)
        if (octets === copy)
          targets.push({
            folderId,
            flags,
            ...(limit && { limit }),
            ...(rcptTo && { envelope: { ...envelope, rcptTo } }),
          })
      }
      for (const { folderId, flags: own, octets } of scripted) {
        const limit = limits.get(folderId)
        if (octets === copy) targets.push({ folderId, flags: distinct([...flags, ...own]), ...(limit && { limit }) })
      }
      if (copy === sentOctets) targets.push(...queued)
      if (targets.length === 0) continue
      const raw = withRest(trace ? [trace, ...copy] : copy, rest)
      batch.push({ raw, targets, envelope, internalDate: at })
    }
    const copied = batch.length > 0 ? await services.store.append(batch) : []
    const kept = outgoing.targets.length > 0 ? copied.filter(({ folder }) => folder.owner !== OUTGOING_OWNER) : copied
    for (const run of done.values()) await finishScript(services, delivery, run, kept)
    return {
      copies: articles.length > 0 ? [...articles, ...kept] : kept,
      queued: outgoing.sent,
      loop: outgoing.loop,
    }
  } catch (error) {
    // The store may have the message.
    if (error instanceof StoreError && error.code === 'unknown') throw error
    for (const account of created) await services.directory.remove(account)
    await undo(services.store, newOwners)
    const full =
      error instanceof OverQuota
        ? accountsOf(delivery).find(({ user }) => accountOwner(user) === error.owner)
        : undefined
    throw full ? await lateQuotaError(services.store, full, size) : error
  }
}

/**
 * Sends what a script sends, keeps what it remembers, and records its work. A message that cannot be redirected is kept.
 * @throws StoreError if it cannot be kept either; the client sends it again then
 */
async function finishScript(
  services: DeliveryServices,
  delivery: Delivery,
  run: ScriptRun,
  copies: readonly StoredMessage[],
): Promise<void> {
  const { user } = run
  const { rest, session, at = Date.now() } = delivery
  const notes = [...run.notes]
  for (const mail of [...run.sent, ...rejectionOf(services, delivery, run)]) {
    const { from, to, message, isWritten } = mail
    try {
      await deliver(services, {
        trace: Buffer.from(`Return-Path: <${from}>\r\n`),
        message,
        ...(isWritten ? {} : { rest, octets: delivery.octets }),
        mailFrom: from,
        recipients: [{ address: to, destination: resolveRecipient(services, to) }],
        session,
        isWrittenByScript: isWritten,
        at,
      })
    } catch (error) {
      if (!(error instanceof DeliveryError || error instanceof StoreError)) throw error
      notes.push(`the message to ${to} was not sent: ${error.message}`)
      if (!isWritten) await keepInInbox(services, delivery, user, mail)
    }
  }
  await remember(services.store, user, run.remember, at)
  services.recordScript?.({ user, notes, copies, session })
}

const NOTHING_OUTGOING: DeliveryPlan = { targets: [], sent: new Set(), withoutCopy: new Set() }

/** Plans what is sent to other hosts. */
function planOutgoing({ outgoing }: DeliveryServices, delivery: Delivery): DeliveryPlan {
  if (!outgoing || outgoing.rules.connectors.length === 0) return NOTHING_OUTGOING
  const { message, mailFrom, recipients, envelopeId, ret, smtpUtf8, body, requireTls, account, session, submission } =
    delivery
  const local = recipients.flatMap(({ address, destination }) => (destination.kind === 'mailbox' ? [address] : []))
  const elsewhere = recipients.filter(({ destination }) => destination.kind === 'captured')
  if (elsewhere.length === 0 && outgoing.rules.forwardRules.length === 0) return NOTHING_OUTGOING
  const envelope = {
    mailFrom,
    recipients: elsewhere.map(({ destination: _, onDemand: __, ...recipient }) => omitUndefined(recipient)),
    ...(envelopeId !== undefined && { envelopeId }),
    ...(ret && { ret }),
    ...(smtpUtf8 && { smtpUtf8 }),
    ...(body && { body }),
    ...(requireTls && { requireTls }),
    ...(submission && { submission }),
  }
  return planDelivery(outgoing.rules, { mailFrom, account, session, header: headerOf(message), envelope }, local)
}

async function queueTargets(
  { outgoing }: DeliveryServices,
  targets: DeliveryPlan['targets'],
  { client, authentication }: Delivery,
): Promise<AppendTarget[]> {
  const folder = targets.length > 0 ? await outgoing?.folder() : undefined
  const arrived = omitUndefined({ client, authentication })
  return folder ? targets.map((envelope) => ({ folderId: folder.id, envelope: { ...envelope, ...arrived } })) : []
}

/** @throws DeliveryError `mailbox-full`, `over-quota` */
async function checkQuotas({ store }: DeliveryServices, delivery: Delivery, size: number): Promise<void> {
  await Promise.all(accountsOf(delivery).map((account) => checkMailboxQuota(store, account, size)))
}

/** Returns the accounts that get a message, each once. */
const accountsOf = ({ recipients }: Delivery): readonly Account[] =>
  distinct(recipients.flatMap(({ destination }) => (destination.kind === 'mailbox' ? [destination.account] : [])))

/** Removes the mailboxes that a failed delivery created. A store that fails here too still reports the first failure. */
async function undo(store: MessageStore, owners: readonly Owner[]): Promise<void> {
  try {
    for (const owner of owners) await removeEmptyMailboxes(store, owner)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
}

function newsgroupsOf(recipients: readonly Recipient[]): readonly string[] {
  const names: string[] = []
  for (const { destination } of recipients) if (destination.kind === 'newsgroup') names.push(destination.name)
  return distinct(names)
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

/**
 * Returns the owner of the mailbox of a recipient. An open directory gets an account that it does not have yet: only now,
 * because RCPT alone must not fill it.
 * @param created gets these accounts
 */
async function ownerOf(
  { directory }: DeliveryServices,
  destination: MailboxDestination,
  created: Account[],
): Promise<Owner> {
  if (destination.kind === 'captured') return CAPTURED_OWNER
  const { account, isNew } = await directory.add(destination.account)
  if (isNew) created.push(account)
  return accountOwner(account.user)
}

type MailboxDestination = Exclude<Recipient['destination'], { readonly kind: 'newsgroup' }>

/**
 * Notes what the mailbox of a recipient gets: the message as received or without its Bcc fields.
 * @param copies what each mailbox gets, by its folder's id
 */
function addCopy(
  copies: Map<string, Pieces>,
  folderId: string,
  { address, destination }: Recipient,
  message: Pieces,
  stripped: StrippedMessage | undefined,
): void {
  // Recipients named in Bcc see the field, others must not. The lab's own copy stays complete. RFC 5322 section 3.6.3
  const whole = !stripped || destination.kind === 'captured' || stripped.names(address)
  if (whole || !copies.has(folderId)) copies.set(folderId, whole ? message : stripped.rest)
}

/** Posts one article to all the groups. Returns it in each of them. @throws DeliveryError */
async function postToNewsgroups(
  { news, hostname }: DeliveryServices,
  newsgroups: readonly string[],
  { message, rest, session }: Delivery,
): Promise<readonly StoredMessage[]> {
  const pieces = [...message]
  // A redirected message can be in a file.
  if (rest) for await (const piece of rest()) pieces.push(piece)
  try {
    // Everybody may write to the mail address of a newsgroup.
    const poster = { host: hostname, session, rights: allGroups }
    const posted = await news?.postMail(newsgroups, joinPieces(pieces), poster)
    return posted?.stored ?? []
  } catch (error) {
    if (!(error instanceof ArticleRefused)) throw error
    // A client that lost the reply sends the message again: the article exists already.
    if (error.code === 'duplicate') return []
    const reason = error.code === 'later' ? 'article-deferred' : 'article-refused'
    throw new DeliveryError(reason, error.message, { cause: error })
  }
}

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
