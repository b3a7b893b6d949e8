import { capabilities, type Extension, extensions } from '../capabilities.ts'
import { defineCommand, noArguments } from '../command.ts'
import { bad, done, no } from '../reply.ts'
import { anyState, loggedOn, notAuthenticated, selected } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'

/** CAPABILITY. RFC 9051 section 6.1.1. */
export const capability = defineCommand({
  name: 'CAPABILITY',
  states: anyState,
  parse: noArguments,
  run(session) {
    session.say(`* CAPABILITY ${capabilities(session)}\r\n`)
    return done('that is what can be done')
  },
})

/** NOOP: its use is what is told before its reply. RFC 9051 section 6.1.2. */
export const noop = defineCommand({
  name: 'NOOP',
  states: anyState,
  parse: noArguments,
  run: () => done('nothing done'),
})

/** CHECK: the store is always up to date. RFC 3501 section 6.4.1. */
export const check = defineCommand({ name: 'CHECK', states: selected, parse: noArguments, run: () => done('checked') })

/** ID: who is at the other end; for the record. RFC 2971. */
export const id = defineCommand({
  name: 'ID',
  states: anyState,
  parse(cursor) {
    cursor.space()
    return cursor.take('NIL') ? [] : fields(cursor)
  },
  run(session, _state, client) {
    if (client.length > 0) session.connection.record.note(`client: ${client.join(', ')}`)
    session.say('* ID ("name" "Sealpost")\r\n')
    return done('that is who')
  },
})

/** RFC 2971 section 3.3: at most 30 pairs, names of 30 octets, values of 1024. */
function fields(cursor: Cursor): string[] {
  const pairs: string[] = []
  const pair = (): void => {
    const name = cursor.string()
    cursor.space()
    const value = cursor.nstring()
    if (name.length > 30 || (value?.length ?? 0) > 1024 || pairs.length === 30) throw bad('too much in ID')
    if (value !== undefined) pairs.push(`${name}=${value}`)
  }
  cursor.list(pair, true)
  return pairs
}

/** ENABLE capability… RFC 5161; RFC 9051 section 6.3.1. What is not known is passed over. */
export const enable = defineCommand({
  name: 'ENABLE',
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
    const fresh = extensions.filter(
      (extension) => names.includes(extension.toUpperCase()) && !session.enabled.has(extension),
    )
    for (const extension of fresh) session.enabled.add(extension)
    for (const implied of fresh.flatMap((extension) => implications[extension] ?? [])) session.enabled.add(implied)
    session.say(`* ENABLED${fresh.map((extension) => ` ${extension}`).join('')}\r\n`)
    return done('enabled')
  },
})

/** RFC 7162 section 3.2.3. */
const implications: Partial<Record<Extension, readonly Extension[]>> = { QRESYNC: ['CONDSTORE'] }

/** STARTTLS. RFC 9051 section 6.2.1. */
export const starttls = defineCommand({
  name: 'STARTTLS',
  states: notAuthenticated,
  parse: noArguments,
  run(session) {
    const { connection } = session
    if (connection.tls) throw bad('TLS is on already')
    if (!connection.canStartTls) throw bad('no certificate is assigned to this virtual server')
    return {
      ...done('begin TLS negotiation now'),
      async after() {
        await connection.startTls()
        session.forget()
      },
    }
  },
})

/** COMPRESS DEFLATE: everything behind the reply is compressed. RFC 4978. */
export const compress = defineCommand({
  name: 'COMPRESS',
  states: loggedOn,
  parse(cursor) {
    cursor.space()
    return cursor.keyword()
  },
  run({ connection }, _state, mechanism) {
    if (connection.compressed) throw no('compressed already', 'COMPRESSIONACTIVE')
    if (mechanism !== 'DEFLATE') throw no('DEFLATE is the only mechanism', 'CANNOT')
    return { ...done('compressed from here on'), after: () => connection.startCompression() }
  },
})

/** LOGOUT. RFC 9051 section 6.1.3. */
export const logout = defineCommand({
  name: 'LOGOUT',
  states: anyState,
  parse: noArguments,
  run(session) {
    session.deselect()
    session.state = { name: 'logout' }
    session.say('* BYE logging out\r\n')
    return done('logged out')
  },
})
