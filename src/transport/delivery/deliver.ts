import type { Account } from '../../accounts/directory/types.ts'
import { countOctets, joinPieces } from '../../core/octets/pieces.ts'
import { runInSlices } from '../../core/time/time-slice.ts'
import { distinct } from '../../core/values/distinct.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { OverQuota, StoreError } from '../../storage/store/errors.ts'
import { accountOwner, OUTGOING_OWNER } from '../../storage/store/folder.ts'
import { removeEmptyMailboxes } from '../../storage/store/mailboxes.ts'
import type { StoredMessage } from '../../storage/store/message-entry.ts'
import type { AppendTarget } from '../../storage/store/types.ts'
import { ArticleRefused } from '../news/article.ts'
import { allGroups } from '../news/inject.ts'
import { headerOf } from '../outgoing/filters.ts'
import { type DeliveryPlan, planDelivery } from '../outgoing/plan.ts'
import { mayHaveBcc, withoutBcc } from './bcc.ts'
import { checkMailboxQuota, lateQuotaError } from './check-quota.ts'
import { batchOf, type Created, copiesFor, formFor, type MessageForms } from './copies.ts'
import { resolveRecipient } from './resolve.ts'
import { keepInInbox, rejectionOf, remember, runScripts, type ScriptRun } from './run-scripts.ts'
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
  const { trace, message } = delivery
  const size = (delivery.octets ?? countOctets(message)) + (trace?.length ?? 0)
  await checkQuotas(services, delivery, size)
  const stripped = mayHaveBcc(message) ? await runInSlices(withoutBcc(joinPieces(message))) : undefined
  const forms: MessageForms = { whole: message, stripped }
  const runs = await runScripts(services, delivery, (address) => formFor(forms, address))
  // A group that refuses the message must refuse it before any mailbox has it.
  const articles = await postToNewsgroups(services, delivery)
  const outgoing = planOutgoing(services, delivery)
  const created: Created = { accounts: [], owners: [] }
  try {
    const copies = await copiesFor(services, delivery, { forms, runs, withoutCopy: outgoing.withoutCopy }, created)
    const flags = await flagsFor(services, delivery)
    const queued = await queueTargets(services, outgoing.targets, delivery)
    const batch = batchOf(delivery, forms, { copies, flags, queued })
    const stored = batch.length > 0 ? await services.store.append(batch) : []
    const kept = queued.length > 0 ? stored.filter(({ folder }) => folder.owner !== OUTGOING_OWNER) : stored
    for (const run of runs.values()) await finishScript(services, delivery, run, kept)
    return {
      copies: articles.length > 0 ? [...articles, ...kept] : kept,
      queued: outgoing.sent,
      loop: outgoing.loop,
    }
  } catch (error) {
    // The store may have the message.
    if (error instanceof StoreError && error.code === 'unknown') throw error
    await undo(services, created)
    throw await quotaErrorOf(services, delivery, size, error)
  }
}

/** Returns the keywords that every copy of a message gets. */
async function flagsFor(services: DeliveryServices, delivery: Delivery): Promise<readonly string[]> {
  const given = delivery.tags ?? []
  if (!services.tagging) return keywordsOf(given)
  return keywordsFor(services.tagging, delivery, [...given, ...((await services.ruleTags?.(delivery)) ?? [])])
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

/** Returns the error of a delivery: if another delivery has filled a mailbox meanwhile, the error of its quota. */
async function quotaErrorOf(
  { store }: DeliveryServices,
  delivery: Delivery,
  size: number,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof OverQuota)) return error
  const full = accountsOf(delivery).find(({ user }) => accountOwner(user) === error.owner)
  return full ? lateQuotaError(store, full, size) : error
}

/** Removes what a failed delivery created. A store that fails here too still reports the first failure. */
async function undo({ directory, store }: DeliveryServices, { accounts, owners }: Created): Promise<void> {
  for (const account of accounts) await directory.remove(account)
  try {
    for (const owner of owners) await removeEmptyMailboxes(store, owner)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
}

/** Posts one article to the newsgroups among the recipients. Returns it in each of them. @throws DeliveryError */
async function postToNewsgroups(
  { news, hostname }: DeliveryServices,
  { message, rest, session, recipients }: Delivery,
): Promise<readonly StoredMessage[]> {
  const newsgroups = newsgroupsOf(recipients)
  if (newsgroups.length === 0) return []
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

function newsgroupsOf(recipients: readonly Recipient[]): readonly string[] {
  const names: string[] = []
  for (const { destination } of recipients) if (destination.kind === 'newsgroup') names.push(destination.name)
  return distinct(names)
}
