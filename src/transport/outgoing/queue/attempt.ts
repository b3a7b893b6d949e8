import { buffer } from 'node:stream/consumers'
import { foldDomain, splitAddress } from '../../../accounts/directory/names.ts'
import type { DeliveryEnvelope } from '../../../storage/store/delivery-envelope.ts'
import {
  type Attempt,
  type AttemptResult,
  type NextHop,
  type OutgoingClient,
  type OutgoingRecipient,
  type RecipientResult,
  type ResolvedConnector,
  RouteError,
  type Router,
} from '../types.ts'
import type { Item } from './item.ts'
import type { SentOctets } from './octets.ts'

/** The parts of the lab that an attempt uses. */
export interface Sending {
  readonly route: Router
  readonly client: OutgoingClient
  /**
   * Returns header fields to put before a message that is sent: its signatures.
   * @param arrived how the message came to the lab
   */
  readonly sign?: ((message: Attempt['message'], arrived: DeliveryEnvelope) => Promise<Buffer>) | undefined
  /** Delivers a scheduled message to the accounts of the lab. Resolves once it is done. Absent: none is scheduled. */
  readonly release?: ((message: Buffer, arrived: DeliveryEnvelope) => Promise<void>) | undefined
}

/** Tries to send a message to its pending recipients, in one transaction for each next destination. */
export async function attemptItem(
  item: Item,
  connector: ResolvedConnector,
  { message, sizeOctets }: SentOctets,
  { route, client, sign, release }: Sending,
  signal: AbortSignal,
): Promise<AttemptResult> {
  if (item.transport.scheduled) {
    await release?.(await buffer(message()), item.entry.envelope ?? {})
    return { recipients: item.pending.map(({ address }) => ({ address, kind: 'sent', text: 'Delivered' })) }
  }
  const all: RecipientResult[] = []
  let session: string | undefined
  // Made again for each attempt, so that signatures are not too old.
  const signForm = sign && ((form: Attempt['message']) => sign(form, item.entry.envelope ?? {}))
  for (const [domain, recipients] of groupByDomain(item.pending, connector)) {
    const hops = await hopsFor(() => route(connector, domain, signal, item.envelope.ignoresTlsPolicies), domain)
    if (!Array.isArray(hops)) {
      all.push(...recipients.map(({ address }) => ({ address, ...hops })))
      continue
    }
    const envelope = { ...item.envelope, recipients }
    const result = await client.send({ connector, hops, envelope, message, sizeOctets, sign: signForm, signal })
    session = result.session ?? session
    all.push(...result.recipients)
  }
  return { recipients: all, ...(session !== undefined && { session }) }
}

/** A smart host takes all recipients in one transaction. Without one, `destination` has one domain, unless a reload changed the route. */
function groupByDomain(
  recipients: readonly OutgoingRecipient[],
  { smartHost }: ResolvedConnector,
): Map<string, OutgoingRecipient[]> {
  const groups = new Map<string, OutgoingRecipient[]>()
  for (const recipient of recipients) {
    const domain = smartHost ? '' : foldDomain(splitAddress(recipient.address).domain)
    groups.set(domain, [...(groups.get(domain) ?? []), recipient])
  }
  return groups
}

type NoRoute = Omit<RecipientResult, 'address'>

async function hopsFor(route: () => ReturnType<Router>, domain: string): Promise<NextHop[] | NoRoute> {
  try {
    const hops = await route()
    if (hops.length > 0) return [...hops]
    return { kind: 'deferred', enhancedCode: '4.4.4', text: `no host is known for ${domain}` }
  } catch (error) {
    if (!(error instanceof RouteError)) throw error
    const { isPermanent, enhancedCode, message: text } = error
    return { kind: isPermanent ? 'failed' : 'deferred', enhancedCode, text }
  }
}
