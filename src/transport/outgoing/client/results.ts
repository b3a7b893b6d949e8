import { enhancedCodeOf, isPositive, type Reply, replyText } from '../../../net/client/smtp.ts'
import type { OutgoingEnvelope, OutgoingRecipient, RecipientResult } from '../types.ts'
import type { PeerFailure } from './failure.ts'

/** The replies of one transaction, by the command that each answers. */
export interface TransactionReplies {
  mail?: Reply
  /** By recipient address. */
  readonly recipients: Map<string, Reply>
  data?: Reply
  /** The replies to the message, by accepted recipient. SMTP has one reply for all of them; LMTP one for each. */
  readonly finals: Map<string, Reply>
}

/** Facts of the host that results repeat. */
interface ResultFacts {
  readonly remoteHost: string
  readonly remoteAddress: string
  /** Whether the host offers DSN. */
  readonly offersDsn: boolean
}

/** Returns what became of each recipient, by the replies of the host. @param lost why there are no more replies */
export function resultsOf(
  recipients: readonly OutgoingRecipient[],
  replies: TransactionReplies,
  facts: ResultFacts,
  lost: string | undefined,
): RecipientResult[] {
  return recipients.map(({ address }) => {
    const refusal = refusalOf(address, replies)
    if (refusal) return resultOfReply(address, refusal, facts)
    const final = replies.finals.get(address)
    if (final)
      return {
        ...resultOfReply(address, final, facts),
        ...(isPositive(final) && facts.offersDsn && { passedDsnOn: true }),
      }
    return {
      address,
      kind: 'deferred',
      enhancedCode: '4.4.2',
      text: lost ?? 'the host did not answer',
      remoteHost: facts.remoteHost,
    }
  })
}

/** Returns the first reply that refuses a recipient, or the whole message before its content. */
function refusalOf(address: string, { mail, recipients, data }: TransactionReplies): Reply | undefined {
  if (mail && !isPositive(mail)) return mail
  const reply = recipients.get(address)
  if (reply && !isPositive(reply)) return tooMany(reply)
  return data && data.code >= 400 ? data : undefined
}

/** Some hosts answer 552 where 452 is meant: they take no more recipients in this transaction. RFC 5321 section 4.5.3.1.10. */
const tooMany = (reply: Reply): Reply => (reply.code === 552 ? { ...reply, code: 452 } : reply)

function resultOfReply(address: string, reply: Reply, { remoteHost, remoteAddress }: ResultFacts): RecipientResult {
  const enhancedCode = enhancedCodeOf(reply)
  return {
    address,
    kind: isPositive(reply) ? 'sent' : reply.code >= 500 ? 'failed' : 'deferred',
    ...(reply.code > 0 && { code: reply.code }),
    ...(enhancedCode !== undefined && { enhancedCode }),
    text: replyText(reply),
    remoteHost,
    remoteAddress,
  }
}

/** Returns the same result for every recipient: the host was not asked for them. */
export const resultsOfFailure = (
  recipients: readonly OutgoingRecipient[],
  { message, code, enhancedCode, isPermanent }: PeerFailure,
  remoteHost: string,
): RecipientResult[] =>
  recipients.map(({ address }) => ({
    address,
    kind: isPermanent ? 'failed' : 'deferred',
    ...(code !== undefined && { code }),
    enhancedCode,
    text: message,
    remoteHost,
  }))

/** An address that commands cannot hold for sure. RFC 5321 section 4.1.2 allows < and > in a quoted string. */
const UNSENDABLE = /[\r\n<>]|^\s+$/

/** Returns the results of the recipients that the client cannot send to, at any host. */
export function unsendable({ mailFrom, recipients }: OutgoingEnvelope): RecipientResult[] {
  const isSenderUnsendable = UNSENDABLE.test(mailFrom)
  return recipients.flatMap(({ address }) => {
    // RFC 3463 section 3.2: X.1.7 is the syntax of the sender's address, X.1.3 that of a recipient's.
    if (isSenderUnsendable) return [failedResult(address, '5.1.7', mailFrom)]
    return address === '' || UNSENDABLE.test(address) ? [failedResult(address, '5.1.3', address)] : []
  })
}

const failedResult = (address: string, enhancedCode: string, culprit: string): RecipientResult => ({
  address,
  kind: 'failed',
  enhancedCode,
  text: `the address ${culprit.replaceAll(/[\r\n]+/g, ' ')} cannot be sent: it is empty, or contains <, > or a line end`,
})
