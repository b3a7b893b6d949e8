import { jmapUrlFor } from '../capabilities.ts'
import { defineCommand, noArguments } from '../command.ts'
import { capabilitiesOf, personalityBye } from '../personality.ts'
import { bad, no, ok, statusResponse } from '../reply.ts'
import { anyState, extensions, loggedOn, notAuthenticated, selected } from '../state.ts'
import { enableCondstore } from '../updates.ts'
import type { Cursor } from '../wire/cursor.ts'
import { quotedForm } from '../wire/text.ts'

/** CAPABILITY. RFC 9051 section 6.1.1. */
export const capability = defineCommand({
  name: 'CAPABILITY',
  needsNoRefresh: true,
  states: anyState,
  parse: noArguments,
  run(session) {
    session.send(`* CAPABILITY ${capabilitiesOf(session)}\r\n`)
    return ok()
  },
})

/** NOOP. Clients send it to receive the updates before its reply. RFC 9051 section 6.1.2. */
export const noop = defineCommand({ name: 'NOOP', states: anyState, parse: noArguments, run: () => ok() })

/** CHECK. Needs to write nothing, because every change is stored before it is acknowledged. RFC 3501 section 6.4.1. */
export const check = defineCommand({ name: 'CHECK', states: selected, parse: noArguments, run: () => ok() })

/** LOGOUT. RFC 9051 section 6.1.3. */
export const logout = defineCommand({
  name: 'LOGOUT',
  needsNoRefresh: true,
  states: anyState,
  parse: noArguments,
  run(session) {
    const text = session.words ? personalityBye(session.words, session) : 'Logging out'
    session.enter({ name: 'logout' })
    session.send(statusResponse('*', 'BYE', { text }))
    return ok()
  },
})

/** ID. Notes the client's name in the session's record. RFC 2971. */
export const id = defineCommand({
  name: 'ID',
  needsNoRefresh: true,
  states: anyState,
  parse(cursor) {
    cursor.space()
    return cursor.take('NIL') ? [] : idFields(cursor)
  },
  run(session, _state, client) {
    if (client.length > 0) session.connection.record.note(`client: ${client.join(', ')}`)
    const { identification = { name: 'Sealpost' } } = session.words ?? {}
    const fields = Object.entries(identification).map(([name, value]) => `${quotedForm(name)} ${quotedForm(value)}`)
    session.send(`* ID (${fields.join(' ')})\r\n`)
    return ok()
  },
})

/** Reads the fields of ID: at most 30 pairs, names of 30 octets, values of 1024. RFC 2971 section 3.3. */
function idFields(cursor: Cursor): string[] {
  const pairs: string[] = []
  // aioimaplib writes `( "name" "x" )`.
  const end = (): boolean => cursor.take(')') || cursor.take(' )')
  cursor.expect('(')
  cursor.take(' ')
  for (let isFirst = true; !end(); isFirst = false) {
    if (!isFirst) cursor.space()
    const name = cursor.string()
    cursor.space()
    const value = cursor.nstring()
    if (name.length > 30 || (value?.length ?? 0) > 1024 || pairs.length === 30) throw bad('ID is too long.')
    if (value !== undefined) pairs.push(`${name}=${value}`)
  }
  return pairs
}

/** ENABLE capability… Ignores unknown names. RFC 5161; RFC 9051 section 6.3.1. */
export const enable = defineCommand({
  name: 'ENABLE',
  needsNoRefresh: true,
  states: loggedOn,
  parse(cursor) {
    const names: string[] = []
    do {
      cursor.space()
      names.push(cursor.keyword())
    } while (!cursor.atEnd)
    return names
  },
  run(session, _state, names) {
    const added = extensions.filter(
      (extension) => names.includes(extension.toUpperCase()) && !session.enabled.has(extension),
    )
    session.send(`* ENABLED${added.map((extension) => ` ${extension}`).join('')}\r\n`)
    if (added.includes('CONDSTORE') || added.includes('QRESYNC')) enableCondstore(session) // RFC 7162 section 3.2.3
    for (const extension of added) session.enabled.add(extension)
    return ok()
  },
})

/**
 * UNAUTHENTICATE: returns to the state before log-on, and forgets everything that the session turned on. TLS and
 * compression stay. RFC 8437 section 4.
 */
export const unauthenticate = defineCommand({
  name: 'UNAUTHENTICATE',
  needsNoRefresh: true,
  states: loggedOn,
  parse: noArguments,
  updates: 'none',
  run(session) {
    session.forget()
    session.connection.logon.forgotten()
    return ok()
  },
})

/** GETJMAPACCESS: returns the URL of the session object of JMAP. RFC 9698 section 4. */
export const getJmapAccess = defineCommand({
  name: 'GETJMAPACCESS',
  needsNoRefresh: true,
  states: loggedOn,
  parse: noArguments,
  run(session) {
    const url = jmapUrlFor(session)
    if (url === undefined) throw bad('JMAP is not available.')
    session.send(`* JMAPACCESS ${quotedForm(url)}\r\n`)
    return ok()
  },
})

/** STARTTLS. RFC 9051 section 6.2.1. */
export const starttls = defineCommand({
  name: 'STARTTLS',
  states: notAuthenticated,
  parse: noArguments,
  run(session) {
    const { connection } = session
    if (connection.tls) throw bad('TLS is already active.')
    if (!connection.canStartTls) throw bad('No certificate is assigned to this virtual server.')
    return {
      text: 'Begin TLS negotiation now',
      async after() {
        await connection.startTls()
        session.forget()
      },
    }
  },
})

/** COMPRESS DEFLATE. Compression starts after the reply. RFC 4978. */
export const compress = defineCommand({
  name: 'COMPRESS',
  needsNoRefresh: true,
  states: loggedOn,
  parse(cursor) {
    cursor.space()
    return cursor.keyword()
  },
  run({ connection }, _state, mechanism) {
    if (connection.compressed) throw no('Compression is already active.', 'COMPRESSIONACTIVE')
    if (mechanism !== 'DEFLATE') throw no('DEFLATE is the only compression mechanism.', 'CANNOT')
    connection.reserveCompression()
    return { after: () => connection.startCompression() }
  },
})
