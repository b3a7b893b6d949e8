import { networkInterfaces } from 'node:os'
import type { Logger } from 'pino'
import type { Clock } from '../../core/time/clock.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import { rootsOf } from '../../tls/pki/authority/exported-roots.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import type { Resolver } from '../../transport/dns/resolver.ts'
import { Policies, type PolicyLookup } from '../../transport/mta-sts/policies.ts'
import { policyFields } from '../../transport/mta-sts/policy.ts'
import { dnsConnectorFor } from '../../transport/outgoing/connectors.ts'
import { dnsRouter, type PolicyProblem } from '../../transport/outgoing/route/dns.ts'
import { policyLookup } from '../../transport/outgoing/route/policy-lookup.ts'
import {
  type Attempt,
  type AttemptResult,
  type ResolvedConnector,
  RouteError,
  type Router,
} from '../../transport/outgoing/types.ts'
import { resultOfProblem, resultsOfAttempt } from '../../transport/tls-reports/from-attempt.ts'
import { type TlsResult, TlsResults } from '../../transport/tls-reports/results.ts'
import type { VirtualServerStatus } from '../virtual-servers/virtual-servers.ts'

/** The parts of a lab that policies need. */
interface PolicyServices {
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Logger
  readonly cluster: { readonly node: string }
  readonly certificateStore: CertificateStore
  /** The lab's own DNS. Its resolver is undefined if the configuration has none. */
  readonly dns: { readonly resolver: Resolver | undefined }
  endpoints(): readonly VirtualServerStatus[]
}

const KEEPING_FAILED = 'results for TLS reports could not be kept'

/** The routes of mail by DNS, the policies that other domains publish, and the results of sessions under them. */
export class OutgoingPolicies {
  readonly results: TlsResults
  readonly route: Router
  readonly #policies: Policies
  readonly #lab: PolicyServices

  constructor(lab: PolicyServices) {
    this.#lab = lab
    const { store, clock, log } = lab
    this.results = new TlsResults(store, clock, lab.cluster.node)
    this.results.onError = (err) => log.error({ err }, KEEPING_FAILED)
    this.#policies = new Policies(store, clock)
    this.route = dnsRouter({
      resolverOf: (connector) => this.resolverOf(connector),
      policyOf: async (connector, domain, signal) => this.#policies.find(domain, await this.#lookup(connector, signal)),
      isOwn: (address, port) => isOwn(lab.endpoints(), address, port),
      onProblem: (problem) => this.#noteProblem(problem),
    })
  }

  /** Fetches the kept MTA-STS policies again. A failure changes nothing. */
  async refresh(connectors: readonly ResolvedConnector[], signal: AbortSignal): Promise<void> {
    await this.#policies.refresh(async (domain) => {
      const connector = dnsConnectorFor(connectors, domain)
      try {
        return connector && (await this.#lookup(connector, signal))
      } catch (error) {
        if (error instanceof RouteError) return undefined
        throw error
      }
    })
  }

  async #lookup(connector: ResolvedConnector, signal: AbortSignal): Promise<PolicyLookup> {
    const roots = await rootsOf(this.#lab.certificateStore, connector.authority)
    return policyLookup(await this.resolverOf(connector), { port: connector.policyPort, roots, signal })
  }

  /** Returns the DNS that a connector asks. @throws RouteError if the lab has no DNS for it */
  async resolverOf({ name, resolver }: ResolvedConnector): Promise<Resolver> {
    const own = resolver === undefined ? this.#lab.dns.resolver : await resolverAt(resolver)
    if (own) return own
    const text = `the connector ${name} has no DNS to ask: add \`dns\` to the lab, or \`resolver\` to the connector`
    throw new RouteError(text, { isPermanent: false, enhancedCode: '4.4.3' })
  }

  /** Counts the results of an attempt under the policies of its domain. */
  noteAttempt(attempt: Attempt, result: AttemptResult): Promise<void> {
    return this.#add(resultsOfAttempt(attempt, result, (domain) => this.#strings(domain)))
  }

  #noteProblem(problem: PolicyProblem): Promise<void> {
    return this.#add(resultOfProblem(problem, (domain) => this.#strings(domain)).then((result) => [result]))
  }

  /** A failure to keep results does not concern the mail. */
  async #add(results: Promise<readonly TlsResult[]>): Promise<void> {
    try {
      this.results.add(await results)
    } catch (err) {
      this.#lab.log.error({ err }, KEEPING_FAILED)
    }
  }

  /** Returns the lines of a domain's MTA-STS policy. RFC 8460 section 4.2. */
  async #strings(domain: string): Promise<readonly string[]> {
    const policy = await this.#policies.held(domain)
    return policy ? policyFields(policy).map(([key, value]) => `${key}: ${value}`) : []
  }
}

/** Loads the DNS client at the first use: most labs send no mail by DNS. */
async function resolverAt(server: string): Promise<Resolver> {
  const { parseServer, remoteResolver } = await import('../../transport/dns/remote.ts')
  return remoteResolver(parseServer(server))
}

/** Returns whether one of the lab's virtual servers for mail listens at an address and port. */
function isOwn(endpoints: readonly VirtualServerStatus[], address: string, port: number): boolean {
  return endpoints.some((server) => {
    if (server.protocol !== 'smtp' || server.port !== port) return false
    if (server.address === address) return true
    if (server.address === 'localhost') return address === '127.0.0.1' || address === '::1'
    return (server.address === '0.0.0.0' || server.address === '::') && isOfThisMachine(address)
  })
}

const isOfThisMachine = (address: string): boolean =>
  address.startsWith('127.') ||
  Object.values(networkInterfaces()).some((found = []) => found.some((one) => one.address === address))
