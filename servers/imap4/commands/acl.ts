import type { OctetString } from '../../../src/mail/format/types.ts'
import { accountOf, type Folder } from '../../../src/storage/store/folder.ts'
import { aclOf, canonicalIdentifier, changeAcl } from '../acl.ts'
import { defineCommand } from '../command.ts'
import { encodeMailboxName, findMailbox, readMailboxName } from '../mailbox-names.ts'
import { bad, type CommandResult, no, ok } from '../reply.ts'
import { ALL_RIGHTS, missingRight, rightsOf } from '../rights.ts'
import { type Identity, type ImapSession, loggedOn } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'
import { astringForm, utf8Octets, utf8Text } from '../wire/text.ts'

/** The rights of RFC 2086, which stand for several. RFC 4314 section 2.1.1. */
const OLD_RIGHTS: Readonly<Record<string, string>> = { c: 'kx', d: 'te' }

/** SETACL mailbox identifier [+|-]rights. RFC 4314 section 3.1. */
export const setAcl = defineCommand({
  name: 'SETACL',
  states: loggedOn,
  parse(cursor, session) {
    const { name, identifier } = mailboxAndIdentifier(cursor, session)
    cursor.space()
    const text = cursor.astring()
    const sign = /^[+-]/.exec(text)?.[0] ?? ''
    return { name, identifier, sign, rights: knownRights(text.slice(sign.length)) }
  },
  run: (session, { identity }, { name, identifier, sign, rights }) =>
    change(session, identity, { name, identifier }, (before) => {
      if (sign === '+') return sortRights(before + rights)
      if (sign === '-') return sortRights([...before].filter((right) => !rights.includes(right)).join(''))
      return rights
    }),
})

/** DELETEACL mailbox identifier. RFC 4314 section 3.2. */
export const deleteAcl = defineCommand({
  name: 'DELETEACL',
  states: loggedOn,
  parse: mailboxAndIdentifier,
  run: (session, { identity }, request) => change(session, identity, request, () => ''),
})

/** GETACL mailbox. RFC 4314 section 3.3. */
export const getAcl = defineCommand({
  name: 'GETACL',
  states: loggedOn,
  parse: oneMailbox,
  async run(session, { identity }, name) {
    const folder = await administeredMailbox(session, identity, name)
    const list = [...(await aclOf(session.context.store, folder))].sort(([a], [b]) => (a < b ? -1 : 1))
    const entries = [[accountOf(folder) ?? '', ALL_RIGHTS] as const, ...list]
    const shown = entries.map(([identifier, rights]) => ` ${identifierForm(identifier)} ${withOldRights(rights)}`)
    session.send(`* ACL ${encodeMailboxName(name, session)}${shown.join('')}\r\n`)
    return ok()
  },
})

/** LISTRIGHTS mailbox identifier: the rights that it always has, and those that may be granted. RFC 4314 section 3.4. */
export const listRights = defineCommand({
  name: 'LISTRIGHTS',
  states: loggedOn,
  parse: mailboxAndIdentifier,
  async run(session, { identity }, { name, identifier }) {
    const folder = await administeredMailbox(session, identity, name)
    const always = isOwner(session, folder, identifier)
      ? withOldRights(ALL_RIGHTS)
      : `"" ${[...withOldRights(ALL_RIGHTS)].join(' ')}`
    session.send(`* LISTRIGHTS ${encodeMailboxName(name, session)} ${identifierForm(identifier)} ${always}\r\n`)
    return ok()
  },
})

/** MYRIGHTS mailbox. RFC 4314 section 3.5. */
export const myRights = defineCommand({
  name: 'MYRIGHTS',
  states: loggedOn,
  parse: oneMailbox,
  async run(session, { identity }, name) {
    const folder = await findMailbox(session, identity, name)
    session.send(await myRightsLine(session, identity, folder, encodeMailboxName(name, session)))
    return ok()
  },
})

/** Returns the MYRIGHTS response of a mailbox. RFC 4314 section 3.8. */
export const myRightsLine = async (
  session: ImapSession,
  identity: Identity,
  folder: Folder,
  name: OctetString,
): Promise<OctetString> => `* MYRIGHTS ${name} ${withOldRights(await rightsOf(session, identity, folder)) || '""'}\r\n`

interface Named {
  readonly name: string
  readonly identifier: string
}

/** Changes the rights of an identifier on a mailbox. */
async function change(
  session: ImapSession,
  identity: Identity,
  { name, identifier }: Named,
  rightsAfter: (before: string) => string,
): Promise<CommandResult> {
  const folder = await administeredMailbox(session, identity, name)
  if (isOwner(session, folder, identifier)) {
    const isSame = sortRights(rightsAfter(ALL_RIGHTS)) === sortRights(ALL_RIGHTS)
    if (isSame) return ok()
    throw no('The owner of a mailbox always has all rights.', 'CANNOT')
  }
  await changeAcl(session.context.store, folder, identifier, rightsAfter)
  return ok()
}

/** Returns a mailbox whose list the account may see and change. @throws ImapError */
async function administeredMailbox(session: ImapSession, identity: Identity, name: string): Promise<Folder> {
  const folder = await findMailbox(session, identity, name, 'NONEXISTENT', 'a')
  // Newsgroups and captured mail have the rights that the configuration gives.
  if (accountOf(folder) === undefined) throw missingRight('a')
  return folder
}

function isOwner({ context: { directory } }: ImapSession, folder: Folder, identifier: string): boolean {
  const owner = accountOf(folder)
  return owner !== undefined && directory.canonicalName(owner) === identifier
}

function oneMailbox(cursor: Cursor, session: ImapSession): string {
  cursor.space()
  return readMailboxName(cursor, session)
}

function mailboxAndIdentifier(cursor: Cursor, session: ImapSession): Named {
  const name = oneMailbox(cursor, session)
  cursor.space()
  const identifier = utf8Text(cursor.astring())
  if (identifier === undefined) throw bad('An identifier must be UTF-8.')
  return { name, identifier: canonicalIdentifier(session.context.directory, identifier) }
}

const identifierForm = (identifier: string): OctetString => astringForm(utf8Octets(identifier))

/** Returns rights without the old ones, in the usual order. @throws ImapError for an unknown right. RFC 4314 section 3.1 */
function knownRights(letters: string): string {
  const rights = letters.replace(/[cd]/g, (old) => OLD_RIGHTS[old] ?? '')
  const [unknown] = [...rights].filter((right) => !ALL_RIGHTS.includes(right))
  if (unknown !== undefined) throw bad(`Unknown right. The rights are ${ALL_RIGHTS}.`)
  return sortRights(rights)
}

const sortRights = (rights: string): string => [...ALL_RIGHTS].filter((right) => rights.includes(right)).join('')

/** Adds the old rights, of which a client of RFC 2086 sees all or none. RFC 4314 section 2.1.1. */
function withOldRights(rights: string): string {
  const old = Object.entries(OLD_RIGHTS).flatMap(([letter, parts]) =>
    [...parts].some((right) => rights.includes(right)) ? [letter] : [],
  )
  return sortRights(rights) + old.join('')
}
