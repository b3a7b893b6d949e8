import { MemoryLimitReached } from '../../../src/core/octets/memory-budget.ts'
import { runInSlices } from '../../../src/core/time/time-slice.ts'
import { bodyStructureForm, imapString } from '../../../src/mail/format/imap-form.ts'
import { part } from '../../../src/mail/format/parts.ts'
import type { OctetString } from '../../../src/mail/format/types.ts'
import { defineCommand } from '../command.ts'
import { binaryOctets } from '../fetch/content.ts'
import { FetchWriter } from '../fetch/writer.ts'
import { findMailbox, readMailboxName } from '../mailbox-names.ts'
import { bad, ImapError, no, ok } from '../reply.ts'
import { type Identity, type ImapSession, loggedOn } from '../state.ts'
import { type ImapUrl, parseImapUrl } from '../url/imap-url.ts'
import { authorizedTarget, authorizedUrl, isAccess, isThisServer, MECHANISM, resetKey } from '../url/url-auth.ts'
import { targetOctets, type UrlTarget, urlFolder } from '../url/url-content.ts'
import type { Cursor } from '../wire/cursor.ts'

/** URLs that one command may name. */
const MAX_URLS = 1000
const URLMECH = `URLMECH ${MECHANISM}`

/** GENURLAUTH (url mechanism)…: returns the URLs with a token. RFC 4467 section 7. */
export const genUrlAuth = defineCommand({
  name: 'GENURLAUTH',
  states: loggedOn,
  parse: (cursor) => {
    const urls = each(cursor, () => {
      const url = cursor.astring()
      cursor.space()
      return { url, mechanism: cursor.keyword() }
    })
    return urls.map(({ url, mechanism }) => ({ mechanism, parsed: rumpOf(url) }))
  },
  async run(session, { identity }, urls) {
    const found: string[] = []
    for (const { mechanism, parsed } of urls) {
      if (mechanism !== MECHANISM) throw no(`${MECHANISM} is the only mechanism.`, 'CANNOT')
      found.push(imapString(await urlWithToken(session, identity, parsed)))
    }
    session.send(`* GENURLAUTH ${found.join(' ')}\r\n`)
    return ok()
  },
})

/** Returns the parts of a URL that is to be authorized. @throws ImapError if it is not one. RFC 4467 section 7 */
function rumpOf(url: OctetString): ImapUrl {
  const parsed = parseImapUrl(url)
  const { authorization, server, mailbox } = parsed ?? {}
  const isRump = authorization && authorization.token === undefined && isAccess(authorization.access)
  if (!parsed || !isRump || server?.user === undefined || mailbox === undefined) {
    throw bad('A URL such as imap://user@host/INBOX/;UID=20;URLAUTH=anonymous is expected.')
  }
  return parsed
}

async function urlWithToken(session: ImapSession, identity: Identity, url: ImapUrl): Promise<string> {
  const { server, authorization } = url
  const { directory } = session.context
  const isOwn =
    server?.user !== undefined &&
    isThisServer(session, server.host) &&
    directory.isSame(directory.find(server.user), identity.account)
  if (!isOwn) throw no('The URL must name this server and the account that is logged on.', 'CANNOT')
  const folder = await urlFolder(session, identity, url)
  if (!folder || !authorization) throw no('The mailbox does not exist.', 'NONEXISTENT')
  return authorizedUrl(session, identity, folder, authorization)
}

/** RESETKEY [mailbox [mechanism…]]: revokes all authorized URLs of a mailbox, or of the account. RFC 4467 section 7. */
export const resetKeys = defineCommand({
  name: 'RESETKEY',
  states: loggedOn,
  parse(cursor, session) {
    if (!cursor.take(' ')) return { name: undefined, mechanisms: [] }
    const name = readMailboxName(cursor, session)
    return { name, mechanisms: cursor.atEnd ? [] : each(cursor, () => cursor.keyword()) }
  },
  async run(session, { identity }, { name, mechanisms }) {
    const { store } = session.context
    if (mechanisms.some((mechanism) => mechanism !== MECHANISM)) {
      throw no(`${MECHANISM} is the only mechanism.`, URLMECH)
    }
    const folders =
      name === undefined
        ? await store.listFolders(identity.owner)
        : [await findMailbox(session, identity, name, 'NONEXISTENT', 'r')]
    for (const folder of folders) await resetKey(session, identity, folder)
    return ok(URLMECH, name === undefined ? 'All keys removed' : 'Key removed')
  },
})

/** The forms in which URLFETCH returns what a URL names. RFC 5524 section 3. */
const FORMS = ['BODY', 'BINARY', 'BODYPARTSTRUCTURE'] as const
type Form = (typeof FORMS)[number]

interface Wanted {
  readonly url: OctetString
  /** Undefined: the octets alone, as in RFC 4467. */
  readonly forms?: readonly Form[]
}

/** URLFETCH url…, or (url form…)…: returns what authorized URLs name. RFC 4467 section 7; RFC 5524. */
export const urlFetch = defineCommand({
  name: 'URLFETCH',
  states: loggedOn,
  parse: (cursor) => each(cursor, wanted),
  async run(session, _state, urls) {
    const out = new FetchWriter(session)
    // A message is held until the client has read most of it.
    using memory = session.connection.memory.reservation('messages')
    for (const { url, forms } of urls) {
      const parsed = parseImapUrl(url)
      const target = parsed && (await authorizedTarget(session, parsed))
      memory.release()
      if (target && !memory.tryGrow(target.content.raw.length)) throw new MemoryLimitReached()
      out.text(`* URLFETCH ${imapString(url)}`)
      if (!target || !parsed) out.text(' NIL')
      else if (forms) await writeForms(out, target, parsed, forms)
      else writeOctets(out, await targetOctets(target, parsed), false)
      out.text('\r\n')
      await out.flush()
    }
    return ok()
  },
})

function wanted(cursor: Cursor): Wanted {
  if (!cursor.take('(')) return { url: cursor.astring() }
  const url = cursor.astring()
  const forms = new Set<Form>()
  while (cursor.take(' ')) {
    const name = cursor.keyword()
    const form = FORMS.find((known) => known === name)
    if (!form) throw bad(`Unknown form ${name}.`)
    forms.add(form)
  }
  cursor.expect(')')
  if (forms.has('BODY') && forms.has('BINARY')) throw bad('BODY and BINARY cannot be combined.') // RFC 5524 section 3
  return { url, forms: [...forms] }
}

async function writeForms(out: FetchWriter, target: UrlTarget, url: ImapUrl, forms: readonly Form[]): Promise<void> {
  const binary = forms.includes('BINARY') ? await decodedPart(target, url) : undefined
  if (forms.includes('BODYPARTSTRUCTURE')) {
    out.text(` (BODYPARTSTRUCTURE ${await structureForm(target, binary)})`)
    if (forms.length === 1) return
  }
  const isBinary = forms.includes('BINARY')
  out.text(` (${isBinary ? 'BINARY' : 'BODY'}`)
  writeOctets(out, isBinary ? binary : await targetOctets(target, url), isBinary)
  out.text(')')
}

/**
 * Returns the structure of the part, as BODYSTRUCTURE writes it. RFC 5524 section 3. If the part is also returned decoded, it
 * describes the decoded octets, as Dovecot's does: their size and encoding, and no number of lines.
 */
async function structureForm(
  { content: { raw, parsed }, section: { path, text } }: UrlTarget,
  binary: Buffer | undefined,
): Promise<OctetString> {
  const structure = await runInSlices(parsed.structureOf(raw))
  const found = text === undefined ? part(structure, path) : undefined
  if (!found) return 'NIL'
  const isDecoded = binary !== undefined && found.kind !== 'multipart' && found.kind !== 'message'
  const described = isDecoded
    ? { ...found, encoding: encodingOf(binary), bodyStart: 0, bodyEnd: binary.length, lines: 0 }
    : found
  return runInSlices(bodyStructureForm(raw, described))
}

/** Returns the transfer encoding of octets that are sent as they are. RFC 2045 section 6.2. */
function encodingOf(octets: Buffer): string {
  if (octets.includes(0)) return 'binary'
  return octets.some((octet) => octet > 0x7f) ? '8bit' : '7bit'
}

/** Returns the decoded part; undefined if it cannot be decoded. RFC 5524 section 3. */
async function decodedPart({ content, section }: UrlTarget, { range }: ImapUrl): Promise<Buffer | undefined> {
  if (section.text !== undefined) return undefined
  try {
    return await runInSlices(binaryOctets(content, section, range))
  } catch (error) {
    if (error instanceof ImapError) return undefined
    throw error
  }
}

function writeOctets(out: FetchWriter, octets: Buffer | undefined, binary: boolean): void {
  out.text(octets ? ' ' : ' NIL')
  if (octets && binary) out.literal8(octets)
  else if (octets) out.literal(octets)
}

/** Reads arguments, each with a space in front of it. */
function each<T>(cursor: Cursor, read: (cursor: Cursor) => T): T[] {
  const found: T[] = []
  do {
    cursor.space()
    found.push(read(cursor))
  } while (!cursor.atEnd)
  if (found.length > MAX_URLS) throw bad('Too many arguments.')
  return found
}
