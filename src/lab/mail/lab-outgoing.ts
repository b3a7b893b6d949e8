import type { Logger } from 'pino'
import type { Directory } from '../../accounts/directory/types.ts'
import type { Api } from '../../api/api.ts'
import type { ApiOutgoing, PlannedDelivery } from '../../api/lab.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import { certificateChoice } from '../../core/config/schema/certificate.ts'
import { joinPieces } from '../../core/octets/pieces.ts'
import type { SessionLog } from '../../core/sessions/log.ts'
import type { Clock } from '../../core/time/clock.ts'
import type { FaultRules } from '../../net/faults/fault-rules.ts'
import type { Cluster } from '../../storage/cluster/types.ts'
import { StoreError } from '../../storage/store/errors.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import { rootsOf } from '../../tls/pki/authority/exported-roots.ts'
import { certificateNames } from '../../tls/pki/certificate/names.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { reportDelay, reportFailure, reportRelayed } from '../../transport/delivery/reports/queue-reports.ts'
import type { DeliveryServices } from '../../transport/delivery/types.ts'
import type { Resolver } from '../../transport/dns/resolver.ts'
import type { MailAuthentication } from '../../transport/mail-authentication/mail-authentication.ts'
import type { ClientIdentity } from '../../transport/outgoing/client/secure.ts'
import type { ClientServices } from '../../transport/outgoing/client/services.ts'
import { standardTimeouts } from '../../transport/outgoing/client/timeouts.ts'
import type { ConnectorRules } from '../../transport/outgoing/connectors.ts'
import { planRelease } from '../../transport/outgoing/plan.ts'
import { StoreQueue } from '../../transport/outgoing/queue/queue.ts'
import { OutgoingRecord } from '../../transport/outgoing/record.ts'
import { connectorRouter } from '../../transport/outgoing/route/router.ts'
import {
  type ConnectorTest,
  type NewOutgoing,
  type QueueAction,
  type QueueEvent,
  type ResolvedConnector,
  RouteError,
  type Router,
  type TestingClient,
} from '../../transport/outgoing/types.ts'
import { logQueue } from '../recording/log-events.ts'
import type { VirtualServerStatus } from '../virtual-servers/virtual-servers.ts'
import { OutgoingPolicies } from './outgoing-policies.ts'

/** How long the node that sends mail may take, in milliseconds: it ends the attempts that are under way first. */
const QUEUE_TIMEOUT_MS = 30_000

/** The parts of a lab that mail to other hosts needs. */
interface OutgoingServices {
  readonly config: ResolvedLab
  readonly directory: Directory
  /** Delivers reports. */
  readonly services: DeliveryServices
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Logger
  /** Signs messages before they are sent. */
  readonly mailAuthentication: Pick<MailAuthentication, 'signOutgoing'>
  readonly dns: { readonly resolver: Resolver | undefined }
  readonly certificateStore: CertificateStore
  readonly sessionLog: SessionLog
  readonly faults: { readonly rules: FaultRules }
  /** Other nodes may share the queue. */
  readonly cluster: Cluster
  endpoints(): readonly VirtualServerStatus[]
  idleApi(): Promise<Api>
}

/** The mail that a running lab sends to other hosts: its queue, and what connectors have done. */
export class LabOutgoing implements ApiOutgoing, AsyncDisposable {
  readonly queue: StoreQueue
  readonly record: OutgoingRecord
  readonly policies: OutgoingPolicies
  readonly #lab: OutgoingServices
  readonly #route: Router
  #client: Promise<TestingClient> | undefined

  constructor(lab: OutgoingServices) {
    this.#lab = lab
    const { store, clock, log, mailAuthentication, cluster } = lab
    const others = queueOfOthers(cluster)
    this.policies = new OutgoingPolicies(lab)
    this.#route = connectorRouter(this.policies.route, (connector) => this.policies.resolverOf(connector))
    this.queue = new StoreQueue({
      store,
      clock,
      log,
      ...(others && { others }),
      rules: () => this.#rules(),
      route: this.#route,
      sign: (message, { mailFrom = '', ...arrived }) =>
        mailAuthentication.signOutgoing(message, { mailFrom, ...arrived }),
      client: {
        send: async (attempt) => {
          const result = await (await this.#opened()).send(attempt)
          await this.policies.noteAttempt(attempt, result)
          return result
        },
        [Symbol.asyncDispose]: async () => {},
      },
      release: async (message, envelope) => {
        const { scheduledDelivery } = await import('../../../servers/index.ts')
        await scheduledDelivery(await lab.idleApi())(message, envelope)
      },
      reports: {
        failed: (facts) => reportFailure(lab.services, facts, clock.now()),
        delayed: (facts) => reportDelay(lab.services, facts, clock.now()),
        relayed: (facts) => reportRelayed(lab.services, facts, clock.now()),
      },
    })
    this.record = new OutgoingRecord(this.queue, () => clock.now())
    logQueue(log, this.queue)
    this.queue.watch((event) => void this.#recordSubmission(event))
  }

  async #recordSubmission(event: QueueEvent): Promise<void> {
    if (!event.entry.submission) return
    const { store, log } = this.#lab
    const { recordSubmission } = await import('../../../servers/index.ts')
    await recordSubmission(store, event).catch((err) =>
      log.error({ err, queued: event.entry.id }, 'the results of a submission could not be stored'),
    )
  }

  plan({ raw, envelope, connector, account, session }: NewOutgoing): PlannedDelivery[] {
    const header = Buffer.isBuffer(raw) ? raw : joinPieces(raw)
    const planned = { mailFrom: envelope.mailFrom, account, session, header, envelope }
    return planRelease(this.#rules(), planned, connector).map(({ mailFrom, outgoing }) => ({
      connector: outgoing.connector,
      destination: outgoing.destination,
      mailFrom,
      recipients: outgoing.recipients.map(({ address }) => address),
    }))
  }

  async test(
    connector: ResolvedConnector,
    { domain, signal }: { readonly domain?: string | undefined; readonly signal: AbortSignal },
  ): Promise<ConnectorTest> {
    const named = domain ?? connector.domains.find((one) => !one.includes('*')) ?? ''
    if (named === '' && !connector.smartHost) return noRoute('DNS names the hosts of this connector; name a domain')
    try {
      const hops = await this.#route(connector, named, signal)
      const client = await this.#opened()
      return await client.test(connector, hops, signal)
    } catch (error) {
      if (error instanceof RouteError) return noRoute(error.message)
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.queue[Symbol.asyncDispose]()
    this.record[Symbol.dispose]()
    await (await this.#client)?.[Symbol.asyncDispose]()
  }

  #rules(): ConnectorRules {
    const { config, directory } = this.#lab
    const { outgoing, mail, hostname } = config
    const { connectors } = outgoing
    return {
      connectors,
      forwardRules: mail.forwardRules,
      hostname,
      isLocalDomain: (domain) => directory.isLocalDomain(domain),
    }
  }

  /** Loads what speaks SMTP with other hosts when the first message is sent. */
  #opened(): Promise<TestingClient> {
    this.#client ??= import('../../transport/outgoing/client/client.ts').then(
      ({ SmtpClient }) => new SmtpClient(this.#clientServices()),
    )
    return this.#client
  }

  #clientServices(): ClientServices {
    const lab = this.#lab
    const { certificateStore, sessionLog, faults, clock } = lab
    return {
      hostname: () => lab.config.hostname,
      sessions: sessionLog,
      roots: (authority) => rootsOf(certificateStore, authority),
      identity: (certificate) => connectorIdentity(lab.config, certificateStore, certificate),
      faults: faults.rules,
      timeouts: standardTimeouts,
      now: () => clock.now(),
    }
  }
}

const noRoute = (text: string): ConnectorTest => ({ ok: false, steps: [{ step: 'route', ok: false, text }] })

/**
 * Returns the certificate that a connector shows to other hosts: of a virtual server, or of the certificate store by its
 * friendly name or thumbprint. @throws PkiError, Error
 */
async function connectorIdentity(
  { hostname, alternativeNames, virtualServers }: ResolvedLab,
  store: CertificateStore,
  certificate: string,
): Promise<ClientIdentity> {
  const server = virtualServers.find(({ name }) => name === certificate)
  const choice = server?.certificate ?? certificateChoice(certificate)
  const names = certificateNames(hostname, alternativeNames)
  const [found] = await store.resolve(server?.name ?? '', choice, names)
  if (!found) throw new Error(`the virtual server ${certificate} has no certificate to show to other hosts`)
  return { certificates: [found.certificatePem, ...found.chainPem], key: found.privateKeyPem }
}

/** Returns the queue of the node that sends mail, for nodes that share it. Undefined if the lab is its only node. */
const queueOfOthers = (cluster: Cluster) =>
  cluster.isShared
    ? {
        async perform(action: QueueAction): Promise<number> {
          const leader = await cluster.leaderOf('outgoing')
          if (leader === undefined || leader === cluster.node)
            throw new StoreError('failed', 'no node sends mail at the moment; another one takes it over soon')
          const [found] = await cluster.ask('queue', action, { nodes: [leader], timeoutMs: QUEUE_TIMEOUT_MS })
          if (found?.kind === 'answer') return Number(found.answer)
          const why = found?.kind === 'error' ? found.error : 'it does not answer'
          throw new StoreError('failed', `the node ${leader}, which sends mail, cannot do this now: ${why}`)
        },
      }
    : undefined
