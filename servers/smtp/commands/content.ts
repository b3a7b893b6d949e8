import { parseOnDemand } from '../../../src/core/config/on-demand/parse.ts'
import type { Pieces } from '../../../src/core/octets/pieces.ts'
import { HELD_OCTETS, type ReceivedOctets } from '../../../src/core/octets/received-octets.ts'
import { TooLong } from '../../../src/net/errors.ts'
import type { StoredMessage } from '../../../src/storage/store/message-entry.ts'
import { deliver } from '../../../src/transport/delivery/deliver.ts'
import { reportAfterDelivery } from '../../../src/transport/delivery/reports/after-delivery.ts'
import { type Delivery, DeliveryError, type Recipient } from '../../../src/transport/delivery/types.ts'
import { authenticate } from '../authentication.ts'
import { needGreeting, needRecipients, noArgument, type SmtpCommand, type SmtpSession } from '../command.ts'
import { badSequence, malformedChunk, type SmtpError, tooLargeError } from '../reply.ts'
import { type TraceFacts, traceFields } from '../trace.ts'
import type { Transaction } from '../transaction.ts'
import { answerEach } from './lmtp.ts'

/** DATA: the message, up to a line with a single dot. RFC 5321 section 4.1.1.4. */
export const data: SmtpCommand = {
  name: 'DATA',
  async run(session, argument) {
    noArgument('DATA', argument)
    needGreeting(session)
    const transaction = needRecipients(session)
    if (transaction.isBinary) throw badSequence('Error: BODY=BINARYMIME needs BDAT') // RFC 3030 section 3
    session.reply(354, '', 'End data with <CR><LF>.<CR><LF>')
    session.dueReplies = [...transaction.accepted]
    let message: ReceivedOctets | undefined
    try {
      const { messageSize } = session.context.config.limits
      // The limit does not count stuffed dots. RFC 1870 section 5
      message = await session.connection.content.receiveBlock(messageSize, transaction.lineEnds.normalize)
      await receive(session, transaction, message)
    } catch (error) {
      throw error instanceof TooLong ? tooLargeError(error.limitOctets) : error
    } finally {
      // Not `using`: its compiled helpers would run for every message.
      message?.[Symbol.dispose]()
      session.endTransaction()
    }
  },
}

interface Chunk {
  readonly octets: number
  readonly last: boolean
}

/** BDAT size [LAST]: the message in counted chunks. RFC 3030 section 2. */
export const bdat: SmtpCommand = {
  name: 'BDAT',
  async run(session, argument) {
    const chunk = parseChunk(argument)
    const { transaction } = session
    if (!transaction || transaction.recipientCount === 0) {
      return refuse(session, chunk, badSequence('Error: need RCPT command'))
    }
    if (chunk.last) session.dueReplies = [...transaction.accepted]
    const { messageSize } = session.context.config.limits
    const received = transaction.chunks ?? session.connection.content.receive()
    transaction.chunks = received
    if (received.octets + chunk.octets > messageSize) return refuse(session, chunk, tooLargeError(messageSize))
    // RFC 3030 section 3: a binary message is not made of lines, so that each octet is kept.
    const convert = transaction.isBinary ? undefined : transaction.lineEnds.normalize
    await session.connection.content.receiveOctets(chunk.octets, received, convert)
    if (!chunk.last) {
      if (received.hasFailed) session.transaction = undefined
      received.check()
      return session.reply(250, '2.0.0', `${chunk.octets} octets received`)
    }
    try {
      await received.end()
      await receive(session, transaction, received)
    } finally {
      session.endTransaction()
    }
  },

  refused: (session, argument, refusal) => discard(session, parseChunk(argument), refusal),
}

/** Refuses a chunk and ends the transaction, so that later chunks of the message are refused, too. */
function refuse(session: SmtpSession, chunk: Chunk, refusal: SmtpError): Promise<never> {
  session.transaction = undefined
  return discard(session, chunk, refusal)
}

/** Reads and drops a refused chunk, which the client sends anyway. */
async function discard({ connection }: SmtpSession, { octets }: Chunk, refusal: SmtpError): Promise<never> {
  await connection.content.discardOctets(octets)
  throw refusal
}

function parseChunk(argument: string): Chunk {
  const match = /^(\d{1,15})(?: (LAST))?$/i.exec(argument)
  if (!match) throw malformedChunk()
  return { octets: Number(match[1]), last: match[2] !== undefined }
}

const END_OF_HEADER = Buffer.from('\r\n\r\n', 'latin1')

/**
 * Delivers a received message. Replies 250 only once the store has it. RFC 5321 section 4.2.5.
 * @throws SmtpError, DeliveryError, StoreError, FaultAnswered
 */
async function receive(session: SmtpSession, transaction: Transaction, received: ReceivedOctets): Promise<void> {
  session.takeOctets(received.octets)
  if (session.isLmtp) return answerEach(session, transaction, received, deliverTo)
  const fault = session.connection.endOfData(async () => received.toBuffer())
  if (fault) await fault
  const message = await deliverTo(session, transaction, received, transaction.recipients())
  session.reply(250, '2.0.0', `OK: queued as ${session.messageId}`, message)
}

/**
 * Delivers a message to recipients, and sends the reports that it causes. Returns its octets: its header and more.
 * @throws SmtpError, DeliveryError, StoreError
 */
async function deliverTo(
  session: SmtpSession,
  transaction: Transaction,
  received: ReceivedOctets,
  recipients: readonly Recipient[],
): Promise<Pieces> {
  const { connection, context } = session
  const { reversePath, envelopeId, ret, smtpUtf8, body, requireTls } = transaction
  const wanted = connection.takeReport()
  const content = received.pieces
    ? { message: received.pieces, rest: undefined }
    : await spooledContent(received, recipients)
  const at = context.clock.now()
  const { sender: client, messageId } = session
  const arrival = context.mailAuthentication.isOnArrival
    ? await authenticate(session, { mailFrom: reversePath, client }, { ...content, recipients })
    : undefined
  const delivery: Delivery = {
    trace: traceOf(session, transaction, { recipients, authentication: arrival?.fields ?? '', id: messageId, at }),
    message: arrival?.message ?? content.message,
    rest: content.rest,
    whole: () => received.toBuffer(),
    authentication: arrival?.results,
    client,
    octets: received.octets,
    mailFrom: reversePath,
    recipients,
    envelopeId,
    ret,
    smtpUtf8,
    body,
    requireTls,
    account: session.account?.user,
    session: connection.record.id,
    repliesEach: session.isLmtp,
    at,
  }
  const { copies, queued, loop } = await deliver(context, delivery)
  if (loop) connection.record.note(`the message is in a loop and is not sent on: ${loop.join(' → ')}`)
  if (transaction.lineEnds.changed) connection.record.note('bare LFs in the message changed to CRLF')
  const reported = reportedHere(recipients, queued, wanted)
  await report(session, { ...delivery, recipients: reported }, at)
  noteReports(session, copies[0], reported)
  return content.message
}

/** Records the reports that a test asked for by the recipients of a message, or by a fault. */
function noteReports(
  { connection, context: { histories } }: SmtpSession,
  copy: StoredMessage | undefined,
  reported: readonly Recipient[],
): void {
  for (const { address, onDemand } of copy ? reported : []) {
    if (!copy || !onDemand) continue
    const { id: session } = connection.record
    histories.add(copy.entry.blob, { type: 'reported', text: onDemand.kind, recipients: [address], session })
  }
}

/**
 * Returns the recipients about which the lab reports now. The queue reports about those that it sends to.
 * @param wanted the report that a fault asks for
 */
function reportedHere(
  recipients: readonly Recipient[],
  queued: ReadonlySet<string>,
  wanted: string | undefined,
): readonly Recipient[] {
  if (queued.size === 0 && wanted === undefined) return recipients
  const onDemand = wanted === undefined ? undefined : parseOnDemand(wanted)
  return recipients
    .map((recipient) => ({ ...recipient, onDemand: recipient.onDemand ?? onDemand }))
    .filter((recipient) => recipient.onDemand || !queued.has(recipient.address))
}

/**
 * Returns a message that is in a file: its header in memory, the rest as a stream. A header that is larger than what is
 * usually held, and a message for newsgroups, are read as a whole.
 */
async function spooledContent(
  received: ReceivedOctets,
  recipients: readonly Recipient[],
): Promise<Pick<Delivery, 'message' | 'rest'>> {
  const isPosted = recipients.some(({ destination }) => destination.kind === 'newsgroup')
  const start = isPosted ? undefined : await received.start(HELD_OCTETS)
  if (!start?.includes(END_OF_HEADER)) return { message: [await received.toBuffer()] }
  return { message: [start], rest: () => received.stream(start.length) }
}

function traceOf(
  session: SmtpSession,
  { reversePath, smtpUtf8 }: Transaction,
  {
    recipients,
    authentication,
    id,
    at,
  }: Pick<TraceFacts, 'authentication' | 'id' | 'at'> & Pick<Delivery, 'recipients'>,
): Buffer {
  const { connection, context, client, account } = session
  return traceFields({
    heloName: client?.name ?? '',
    extended: client?.extended === true,
    isLmtp: session.isLmtp,
    remoteName: session.claims.NAME,
    remoteAddress: session.remote.address,
    hostname: context.hostname,
    authenticated: account !== undefined,
    smtpUtf8,
    tls: connection.tls,
    id,
    mailFrom: reversePath,
    recipients: recipients.map(({ address }) => address),
    authentication,
    at,
  })
}

/** Sends the reports that the message causes. A failure does not change the reply, because the message is delivered. */
const report = ({ connection: { record }, context }: SmtpSession, delivery: Delivery, at: number): Promise<void> =>
  reportAfterDelivery(context, delivery, at, (error) => {
    record.note(`no delivery report: ${String(error)}`)
    if (error instanceof DeliveryError) return
    context.log.error({ session: record.id, err: error }, 'delivery report failed')
  })
