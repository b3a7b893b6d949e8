import { CAPTURED_OWNER } from '../../../src/storage/store/folder.ts'
import { needGreeting, noArgument, type SmtpCommand } from '../command.ts'
import { SmtpError, syntaxError } from '../reply.ts'
import { auth } from './logon.ts'

/** `[@|#]node`. RFC 1985 section 5.3. */
const NODE = /^([@#]?)([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)$/i

/**
 * ETRN node: asks for the messages that wait for a host. None wait for the lab's own names. Those in the queue of outgoing
 * mail are sent now, and those that the lab has captured stay. RFC 1985 section 5.
 */
const etrn: SmtpCommand = {
  name: 'ETRN',
  async run(session, argument) {
    needGreeting(session)
    const [, , node] = NODE.exec(argument) ?? []
    if (node === undefined) throw syntaxError('ETRN node')
    const { context } = session
    const { directory, labNames, outgoing, store } = context
    if (directory.isLocalDomain(node) || labNames.includes(node.toLowerCase())) {
      session.reply(251, '2.0.0', `OK, no messages waiting for node ${node}`)
      return
    }
    const waiting = (await outgoing?.flushTo(node)) ?? 0
    if (waiting > 0) return session.reply(253, '2.0.0', `OK, ${waiting} pending messages for node ${node} started`)
    if (await store.findFolder(CAPTURED_OWNER, node.toLowerCase())) {
      throw new SmtpError(458, '4.5.0', `Unable to queue messages for node ${node}`)
    }
    throw new SmtpError(459, '4.7.1', `Node ${node} not allowed: no messages are kept for it`)
  },
}

/** The longest line of a client that has become the server. RFC 5321 section 4.5.3.1.5. */
const MAX_REPLY_OCTETS = 512

/**
 * TURN: client and server exchange their roles. Without a log-on, anybody could fetch the mail of others, so it is refused.
 * After a log-on the lab has no mail to send, and ends the session as a client. RFC 821 section 3.8; RFC 5321 appendix F.1.
 */
const turn: SmtpCommand = {
  name: 'TURN',
  async run(session, argument) {
    noArgument('TURN', argument)
    needGreeting(session)
    if (!session.account) throw new SmtpError(502, '5.7.0', 'TURN needs a log-on')
    const { connection } = session
    session.reply(250, '2.0.0', 'OK')
    const greeting = await connection.readLine(MAX_REPLY_OCTETS, 'latin1')
    if (greeting.startsWith('220')) connection.write('QUIT\r\n')
    session.quit()
  },
}

/** Property blocks of messages that are larger are not read. */
const MAX_BLOCK_DIGITS = 9

/**
 * XEXCH50 octets recipients: properties of a message between servers of one Exchange organization. The octets follow a
 * 354. Refused without a log-on, as by Exchange 2003; after one, the octets are read and the properties are refused.
 * Microsoft KB 812455 and 843106.
 */
const xexch50: SmtpCommand = {
  name: 'XEXCH50',
  async run(session, argument) {
    const match = new RegExp(`^(\\d{1,${MAX_BLOCK_DIGITS}}) +\\d{1,9}$`).exec(argument)
    if (!match) throw syntaxError('XEXCH50 octets recipients')
    if (!session.account) throw new SmtpError(504, '', 'Need to authenticate first')
    const octets = Number(match[1])
    if (octets > session.context.config.limits.messageSize) {
      throw new SmtpError(552, '5.3.4', 'The properties are too large')
    }
    session.reply(354, '', 'Send binary data')
    await session.connection.content.discardOctets(octets)
    throw new SmtpError(550, '5.7.1', 'The properties are not accepted')
  },
}

/** `FIRST`, `NEXT` or `LAST`, and the chunk. Microsoft KB 812455. */
const CHUNK = /^(?:FIRST|NEXT|LAST) CHUNK=\{.*$/i

/** X-LINK2STATE FIRST|NEXT|LAST CHUNK={…}: routing tables between servers of one Exchange organization. Refused. */
const xLink2State: SmtpCommand = {
  name: 'X-LINK2STATE',
  run({ account }, argument) {
    if (!CHUNK.test(argument)) throw syntaxError('X-LINK2STATE FIRST|NEXT|LAST CHUNK={…}')
    if (!account) throw new SmtpError(504, '', 'Need to authenticate first')
    throw new SmtpError(550, '5.7.1', 'The link state is not accepted')
  },
}

/** X-EXPS mechanism: AUTH between servers of Exchange. Microsoft KB 812455. */
const xExps: SmtpCommand = { ...auth, name: 'X-EXPS' }

export const exchangeCommands: readonly SmtpCommand[] = [etrn, turn, xExps, xLink2State, xexch50]
