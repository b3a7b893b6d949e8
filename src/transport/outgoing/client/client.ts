import type {
  Attempt,
  AttemptResult,
  ConnectorTest,
  HostResult,
  NextHop,
  OutgoingEnvelope,
  RecipientResult,
  ResolvedConnector,
  TestingClient,
} from '../types.ts'
import { hopAddresses } from './addresses.ts'
import { encodedContent } from './content.ts'
import { PeerFailure, unusable } from './failure.ts'
import { openPeer } from './opening.ts'
import { PeerConnection } from './peer-connection.ts'
import { ConnectionPool } from './pool.ts'
import { resultsOf, resultsOfFailure, unsendable } from './results.ts'
import type { ClientServices, Destination } from './services.ts'
import { testHost } from './test-host.ts'
import { checkMx, withRequiredTls } from './tls-level.ts'

/** Recipients of one transaction. Every host takes so many. RFC 5321 section 4.5.3.1.8. */
const MAX_RECIPIENTS = 100

/** The outcome of one transaction. */
interface Outcome {
  readonly session: string | undefined
  readonly results: readonly RecipientResult[]
  /** Whether the host may have taken the message, so that no other may be tried now. */
  readonly isUncertain: boolean
  /** Whether the connection was lost before the first reply. */
  readonly isUnanswered: boolean
}

/** Sends messages by SMTP or LMTP, over connections that are kept for a while. */
export class SmtpClient implements TestingClient {
  readonly #services: ClientServices
  readonly #pool = new ConnectionPool()

  constructor(services: ClientServices) {
    this.#services = services
  }

  async send(attempt: Attempt): Promise<AttemptResult> {
    const { recipients } = attempt.envelope
    const results: RecipientResult[] = []
    const hosts: HostResult[] = []
    let session: string | undefined
    for (let at = 0; at < recipients.length; at += MAX_RECIPIENTS) {
      const envelope = { ...attempt.envelope, recipients: recipients.slice(at, at + MAX_RECIPIENTS) }
      const part = await this.#sendToHops({ ...attempt, envelope }, hosts)
      results.push(...part.recipients)
      session = part.session ?? session
    }
    return { ...(session !== undefined && { session }), hosts, recipients: results }
  }

  test(connector: ResolvedConnector, hops: readonly NextHop[], signal: AbortSignal): Promise<ConnectorTest> {
    return testHost(connector, hops, this.#services, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close()
  }

  /** Tries one host after the other for the recipients that are deferred. RFC 5321 section 5.1. */
  async #sendToHops(attempt: Attempt, hosts: HostResult[]): Promise<AttemptResult> {
    const { envelope, hops } = attempt
    const settled = new Map(unsendable(envelope).map((result) => [result.address, result]))
    let session: string | undefined
    for (const hop of hops) {
      const open = envelope.recipients.filter(
        ({ address }) => (settled.get(address)?.kind ?? 'deferred') === 'deferred',
      )
      if (open.length === 0 || attempt.signal.aborted) break
      const outcome = await this.#sendToHop({ ...attempt, envelope: { ...envelope, recipients: open } }, hop, hosts)
      session = outcome.session ?? session
      for (const result of outcome.results) settled.set(result.address, result)
      if (outcome.isUncertain) break
    }
    const stopped = { kind: 'deferred', enhancedCode: '4.3.2', text: 'the lab is stopping' } as const
    return {
      ...(session !== undefined && { session }),
      recipients: envelope.recipients.map(({ address }) => settled.get(address) ?? { address, ...stopped }),
    }
  }

  /** Sends to one host, at the first of its addresses that answers. */
  async #sendToHop(attempt: Attempt, configured: NextHop, hosts: HostResult[]): Promise<Outcome> {
    const { envelope } = attempt
    const hop = envelope.requireTls ? withRequiredTls(configured) : configured
    let failure: PeerFailure | undefined
    try {
      if (envelope.requireTls) checkMx(hop)
      for (const address of await hopAddresses(hop)) {
        try {
          return await this.#sendTo({ hop, address, ...connectorFacts(attempt) }, attempt, hosts)
        } catch (error) {
          if (!(error instanceof PeerFailure)) throw error
          failure = error
          if (error.host) hosts.push(error.host)
        }
      }
    } catch (error) {
      failure = error instanceof PeerFailure ? error : unusable(error)
    }
    return failedOutcome(envelope, failure ?? unusable(new Error(`${hop.host} has no address`)), hop)
  }

  async #sendTo(to: Destination, attempt: Attempt, hosts: HostResult[]): Promise<Outcome> {
    const { connector, signal } = attempt
    const limit = connector.schedule.connections
    const key = JSON.stringify([to, to.hop.tlsa?.map(({ data }) => data.toString('hex'))])
    for (;;) {
      const { connection, isReused } = await this.#pool.take(
        key,
        limit === 'off' ? Number.POSITIVE_INFINITY : limit,
        () => this.#open(to, signal, hosts),
        signal,
      )
      const outcome = await this.#transact(connection, attempt, key)
      // Between two messages, the host may close the connection at any time.
      if (!(outcome.isUnanswered && isReused)) return outcome
    }
  }

  async #open(to: Destination, signal: AbortSignal, hosts: HostResult[]): Promise<PeerConnection> {
    const peer = await openPeer(to, this.#services, signal)
    hosts.push(peer.host)
    return PeerConnection.begin(peer, to.hop.tls === 'none', signal)
  }

  /** Sends one message over a connection. */
  async #transact(connection: PeerConnection, attempt: Attempt, key: string): Promise<Outcome> {
    const { envelope } = attempt
    const { session, host, remoteAddress, extensions } = connection
    let isUsable = false
    try {
      const content = await encodedContent(attempt, { extensions, host, isSecure: connection.isSecure })
      const { replies, lost, isUncertain } = await connection.send(envelope, content, attempt.signal)
      const facts = { remoteHost: host, remoteAddress, offersDsn: extensions.has('DSN') }
      const results = resultsOf(envelope.recipients, replies, facts, lost)
      isUsable = lost === undefined && (replies.finals.size > 0 || (await connection.reset(attempt.signal)))
      return { session, results, isUncertain, isUnanswered: lost !== undefined && replies.mail === undefined }
    } catch (error) {
      if (!(error instanceof PeerFailure)) throw error
      isUsable = !connection.isClosed
      error.session ??= session
      return failedOutcome(envelope, error, { host })
    } finally {
      this.#pool.give(key, connection, isUsable)
    }
  }
}

const connectorFacts = ({ connector: { name, protocol, certificate } }: Attempt) => ({
  connector: name,
  protocol,
  certificate,
})

const failedOutcome = (envelope: OutgoingEnvelope, failure: PeerFailure, { host }: Pick<NextHop, 'host'>): Outcome => ({
  session: failure.session,
  results: resultsOfFailure(envelope.recipients, failure, host),
  isUncertain: false,
  isUnanswered: false,
})
