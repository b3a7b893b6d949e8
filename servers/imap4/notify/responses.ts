import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import type { Folder } from '../../../src/storage/store/folder.ts'
import { encodeMailboxName, findMailbox } from '../mailbox-names.ts'
import { attributes, type MailboxNode, mailboxTree } from '../mailbox-tree.ts'
import { ImapError } from '../reply.ts'
import type { Identity, ImapSession } from '../state.ts'
import { type StatusItem, statusLine } from '../status-items.ts'
import { astringForm } from '../wire/text.ts'
import { isOwn } from './filters.ts'
import type { EventName } from './request.ts'

/** The changes of other mailboxes that wait until they can be sent: each mailbox once, whatever happens in it. */
export interface Pending {
  /** Mailboxes whose messages changed, by the id of their folder. */
  readonly messages: Map<string, { name: string; isNew: boolean; hasFlags: boolean }>
  /** Names that were created, deleted, renamed or subscribed. */
  readonly names: Map<string, { readonly oldName?: string }>
  /** Entries of metadata that changed, by mailbox; '' is the server. */
  readonly metadata: Map<string, Set<string>>
}

/** Sends what has changed, as fast as the client reads it. RFC 5465 section 5. */
export async function sendPending(
  session: ImapSession,
  identity: Identity,
  pending: Pending,
  shared: Set<string>,
): Promise<void> {
  const { messages, names, metadata } = pending
  if (names.size > 0) {
    const tree = new Map((await mailboxTree(session, identity)).map((node) => [node.name, node]))
    for (const [name, { oldName }] of names) {
      const node = tree.get(name)
      const wasKnown = oldName === undefined || isOwn(identity, oldName) || shared.delete(oldName)
      if (!isOwn(identity, name)) {
        if (node) shared.add(name)
        else if (!shared.delete(name)) continue
      }
      session.send(listResponse(session, node ?? missingNode(name), wasKnown ? oldName : undefined))
      await pause(session)
    }
  }
  for (const [name, entries] of metadata) {
    if (name !== '' && !(await visibleMailbox(session, identity, name))) continue
    const shown = name === '' ? '""' : encodeMailboxName(name, session)
    session.send(`* METADATA ${shown} ${[...entries].map(astringForm).join(' ')}\r\n`) // RFC 5464 section 4.4.2
    await pause(session)
  }
  for (const [id, { name, isNew, hasFlags }] of messages) {
    const folder = await visibleMailbox(session, identity, name)
    if (folder?.id !== id) continue
    session.send(await statusLine(session, identity, folder, changedItems(session, isNew, hasFlags)))
    await pause(session)
  }
}

/** Sends the state of the watched mailboxes, other than the selected one. RFC 5465 section 3.1. */
export async function sendStates(
  session: ImapSession,
  identity: Identity,
  wants: (name: string, event: EventName) => boolean,
): Promise<void> {
  const { state } = session
  const selectedId = state.name === 'selected' ? state.selection.folder.id : undefined
  for (const { name, folder } of await mailboxTree(session, identity)) {
    if (!folder || folder.id === selectedId || !wants(name, 'MessageNew')) continue
    if (!(await visibleMailbox(session, identity, name))) {
      session.send(`* LIST (\\NoAccess) "/" ${encodeMailboxName(name, session)}\r\n`) // RFC 5465 section 3.1
      continue
    }
    const items: StatusItem[] = ['MESSAGES', 'UIDNEXT', 'UIDVALIDITY']
    if (wants(name, 'FlagChange')) items.push('HIGHESTMODSEQ')
    session.send(await statusLine(session, identity, folder, items))
    await pause(session)
  }
}

/** The items for a change in another mailbox. RFC 5465 sections 5.1 to 5.3. */
function changedItems({ enabled }: ImapSession, isNew: boolean, hasFlags: boolean): StatusItem[] {
  return [
    ...(isNew ? (['MESSAGES', 'UIDNEXT'] as const) : []),
    'UIDVALIDITY',
    ...(hasFlags ? (['UNSEEN'] as const) : []),
    ...(enabled.has('CONDSTORE') ? (['HIGHESTMODSEQ'] as const) : []),
  ]
}

/** Waits for other sessions, and for a client that reads slowly. */
async function pause({ connection }: ImapSession): Promise<void> {
  if (isSliceOver()) await nextSlice()
  await connection.drained()
}

const missingNode = (name: string): MailboxNode => ({ name, exists: false, subscribed: false, hasChildren: false })

/** Returns `* LIST (\Subscribed \HasNoChildren) "/" new ("OLDNAME" (old))`. RFC 5465 section 5.4. */
function listResponse(session: ImapSession, node: MailboxNode, oldName: string | undefined): string {
  const found = attributes(node, { extended: true })
  if (node.subscribed) found.unshift('\\Subscribed')
  const old = oldName === undefined ? '' : ` ("OLDNAME" (${encodeMailboxName(oldName, session)}))`
  return `* LIST (${found.join(' ')}) "/" ${encodeMailboxName(node.name, session)}${old}\r\n`
}

/** Returns the names of the mailboxes and levels that an account sees outside its own. */
export async function sharedNames(session: ImapSession, identity: Identity): Promise<Set<string>> {
  const tree = await mailboxTree(session, identity)
  return new Set(tree.filter(({ name }) => !isOwn(identity, name)).map(({ name }) => name))
}

/** Returns a mailbox, unless the account may not see and read it (any more). RFC 5465 section 5. */
async function visibleMailbox(session: ImapSession, identity: Identity, name: string): Promise<Folder | undefined> {
  try {
    return await findMailbox(session, identity, name, 'NONEXISTENT', 'lr')
  } catch (error) {
    if (error instanceof ImapError) return undefined
    throw error
  }
}
