import { Content } from './fetch/content.ts'
import { sectionOctets } from './fetch/section.ts'
import { canonical, findMailbox } from './mailbox-names.ts'
import { parseCacheOf } from './parse-caches.ts'
import { ImapError, no } from './reply.ts'
import type { Session } from './session.ts'
import type { StateOf } from './state.ts'
import { Cursor } from './wire/cursor.ts'
import { fetchItems } from './wire/fetch-items.ts'

/** `/mailbox;UIDVALIDITY=1/;UID=20/;SECTION=1.2`, or `/;UID=20…` of the selected mailbox. RFC 5092 section 7. */
const URL_FORM =
  /^(?:\/(?<mailbox>[^;/][^;]*?)(?:;UIDVALIDITY=(?<uidValidity>\d+))?)?\/?;UID=(?<uid>\d+)(?:\/;SECTION=(?<section>[^;/]+))?$/i

/**
 * The octets a CATENATE URL names, in this server and account. RFC 4469 section 4.
 * @throws ImapError BADURL
 */
export async function urlOctets(
  session: Session,
  state: StateOf<'authenticated'> | StateOf<'selected'>,
  url: string,
): Promise<Buffer> {
  const badUrl = (): ImapError => no('the URL names nothing here', `BADURL "${url.replace(/["\\\r\n]/g, '')}"`)
  const { mailbox, uidValidity, uid, section = '' } = URL_FORM.exec(url)?.groups ?? {}
  if (uid === undefined) throw badUrl()
  const { store } = session.context
  const selection = state.name === 'selected' ? state.selection : undefined
  const name = mailbox === undefined ? undefined : decoded(mailbox)
  const folder = name === undefined ? selection?.folder : await found(session, state, canonical(name))
  if (!folder || (uidValidity !== undefined && Number(uidValidity) !== folder.uidValidity)) throw badUrl()
  const entry = await store.entry(folder.id, Number(uid))
  const raw = entry && (await store.read(folder.id, entry.uid))
  const item = sectionItem(decoded(section) ?? '')
  if (!entry || !raw || !item) throw badUrl()
  const octets = sectionOctets(new Content(raw, entry.blob, parseCacheOf(store)), item)
  if (!octets) throw badUrl()
  return octets
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined // not an escape sequence of UTF-8
  }
}

async function found(session: Session, { identity }: StateOf<'authenticated'> | StateOf<'selected'>, name: string) {
  try {
    return await findMailbox(session, identity, name)
  } catch (error) {
    if (error instanceof ImapError) return undefined
    throw error
  }
}

function sectionItem(section: string) {
  try {
    const [item] = fetchItems(Cursor.of(`BODY.PEEK[${section}]`))
    return item?.kind === 'section' ? item.section : undefined
  } catch (error) {
    if (error instanceof ImapError) return undefined
    throw error
  }
}
