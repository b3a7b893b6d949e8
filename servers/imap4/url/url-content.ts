import { runInSlices } from '../../../src/core/time/time-slice.ts'
import type { Folder } from '../../../src/storage/store/folder.ts'
import { visibleEntries } from '../captured.ts'
import { MessageContent, parseCacheOf, sectionOctets } from '../fetch/content.ts'
import { findMailbox } from '../mailbox-names.ts'
import { ImapError } from '../reply.ts'
import type { Identity, ImapSession } from '../state.ts'
import { Cursor } from '../wire/cursor.ts'
import { fetchItems, type Section } from '../wire/fetch-request.ts'
import type { ImapUrl } from './imap-url.ts'

/** The content that a URL names. */
export interface UrlTarget {
  readonly content: MessageContent
  readonly section: Section
}

/**
 * Returns what a URL names in the mailboxes of an account; undefined if that does not exist.
 * @param selected the mailbox of a URL that names none
 */
export async function urlTarget(
  session: ImapSession,
  identity: Identity,
  url: ImapUrl,
  selected?: Folder,
): Promise<UrlTarget | undefined> {
  const { store } = session.context
  const folder = await urlFolder(session, identity, url, selected)
  const section = await urlSection(url.section)
  const isValid = folder && section && (url.uidValidity === undefined || url.uidValidity === folder.uidValidity)
  const entry = isValid ? await store.entry(folder.id, url.uid) : undefined
  if (!entry || !folder || !section) return undefined
  const sees = visibleEntries(session, identity, folder)
  if (sees && !sees(entry)) return undefined
  const raw = await store.read(folder.id, entry.uid)
  return raw && { content: new MessageContent(raw, entry.blob, parseCacheOf(session)), section }
}

/** Returns the octets of what a URL names; undefined if the part does not exist. */
export async function targetOctets({ content, section }: UrlTarget, { range }: ImapUrl): Promise<Buffer | undefined> {
  return runInSlices(sectionOctets(content, section, range))
}

/** Returns the mailbox that a URL names in those of an account. */
export async function urlFolder(
  session: ImapSession,
  identity: Identity,
  { mailbox }: ImapUrl,
  selected?: Folder,
): Promise<Folder | undefined> {
  if (mailbox === undefined) return selected
  // An account that was never used has no mailboxes, and a URL must not create them.
  if (!(await session.context.store.findFolder(identity.owner, 'INBOX'))) return undefined
  return undefinedIfRefused(async () => findMailbox(session, identity, mailbox, 'NONEXISTENT', 'r'))
}

function urlSection(section: string): Promise<Section | undefined> {
  return undefinedIfRefused(async () => {
    const [item] = fetchItems(Cursor.of(`BODY.PEEK[${section}]`))
    return item?.kind === 'section' ? item.section : undefined
  })
}

async function undefinedIfRefused<T>(find: () => Promise<T>): Promise<T | undefined> {
  try {
    return await find()
  } catch (error) {
    if (error instanceof ImapError) return undefined
    throw error
  }
}
