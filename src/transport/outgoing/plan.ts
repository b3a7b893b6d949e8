import { foldDomain, splitAddress } from '../../accounts/directory/names.ts'
import { headerFields, headerValue } from '../../mail/format/headers.ts'
import { decodeWords } from '../../mail/format/words.ts'
import type { Folder } from '../../storage/store/folder.ts'
import {
  type ConnectorRules,
  connectorFor,
  connectorNamed,
  connectorToRelease,
  forbiddenBy,
  loopOf,
} from './connectors.ts'
import { type Filtered, matchesFilters, matchesRecipient } from './filters.ts'
import {
  type OutgoingEnvelope,
  type OutgoingRecipient,
  OutgoingRefused,
  type QueueTarget,
  type ResolvedConnector,
} from './types.ts'

/** The parts of outgoing mail that delivery uses. */
export interface RelayQueue {
  readonly rules: ConnectorRules
  /** Returns the folder of the queue. A message that is appended to it with a `QueueTarget` as its envelope is sent. */
  folder(): Promise<Folder>
  /** Tries to send the messages for a domain that are not held. Returns how many there are. */
  flushTo(domain: string): Promise<number>
}

/** A message whose way out is planned. */
interface Planned extends Filtered {
  readonly envelope: OutgoingEnvelope
  readonly session?: string | undefined
}

/** The messages to queue for a message that the lab has accepted. */
export interface DeliveryPlan {
  readonly targets: readonly QueueTarget[]
  /** The recipients that are sent to. */
  readonly sent: ReadonlySet<string>
  /** The recipients among them of which the lab keeps no copy. */
  readonly withoutCopy: ReadonlySet<string>
  /** The path of a message that is in a loop. Nothing of it is sent. */
  readonly loop?: readonly string[]
}

interface Route {
  readonly connector: ResolvedConnector
  readonly recipient: OutgoingRecipient
}

/** Plans what connectors send by themselves, of the recipients elsewhere. */
function planAutomatic(rules: ConnectorRules, message: Planned): DeliveryPlan {
  const routes = message.envelope.recipients.flatMap((recipient): Route[] => {
    const connector = connectorFor(rules, message, recipient.address)
    const isSent = connector?.when === 'automatic' && !forbiddenBy(connector, finalAddress(connector, recipient))
    return isSent ? [{ connector, recipient }] : []
  })
  return {
    targets: targetsOf(routes, message),
    sent: new Set(routes.map(({ recipient }) => recipient.address)),
    withoutCopy: new Set(
      routes.filter(({ connector }) => !connector.keepCopy).map(({ recipient }) => recipient.address),
    ),
  }
}

/** Plans all that is sent of a message without a release: by automatic connectors, and by forward rules. */
export function planDelivery(rules: ConnectorRules, message: Planned, local: readonly string[]): DeliveryPlan {
  const loop = loopOf(message.header, rules.hostname)
  if (loop) return { targets: [], sent: new Set(), withoutCopy: new Set(), loop }
  const plan = planAutomatic(rules, message)
  return { ...plan, targets: [...plan.targets, ...planForward(rules, message, local)] }
}

/** Plans the release of a message. @throws OutgoingRefused that names the rule, for the first recipient that cannot be sent to */
export function planRelease(rules: ConnectorRules, message: Planned, connectorName?: string): readonly QueueTarget[] {
  const routes = message.envelope.recipients.map((recipient): Route => {
    const { address } = recipient
    const connector =
      connectorName === undefined
        ? connectorToRelease(rules, message, address)
        : connectorNamed(rules, connectorName, address)
    const forbidden = forbiddenBy(connector, finalAddress(connector, recipient))
    if (forbidden !== undefined) throw new OutgoingRefused(address, forbidden)
    return { connector, recipient }
  })
  return targetsOf(routes, message)
}

/** Plans what forward rules send of a message that mailboxes of the lab get. Recipients that no connector sends to are left out. */
function planForward(rules: ConnectorRules, message: Planned, local: readonly string[]): readonly QueueTarget[] {
  const routes = new Map<string, Route>()
  for (const { filters, to, connector: name } of rules.forwardRules) {
    if (!local.some((address) => matchesRecipient(filters, address)) || !matchesFilters(filters, message)) continue
    for (const address of to) {
      const connector =
        name === undefined
          ? connectorFor(rules, message, address)
          : rules.connectors.find((one) => one.name.toLowerCase() === name.toLowerCase())
      const recipient = { address }
      if (!connector || connector.when === 'never' || forbiddenBy(connector, finalAddress(connector, recipient)))
        continue
      routes.set(address.toLowerCase(), { connector, recipient })
    }
  }
  return targetsOf([...routes.values()], message)
}

const finalAddress = ({ rewrite }: ResolvedConnector, { address }: OutgoingRecipient): string => rewrite?.to ?? address

/** Returns where a connector sends mail for an address first: its smart host, or the domain. */
const destinationOf = ({ smartHost }: ResolvedConnector, address: string): string =>
  smartHost ? `${smartHost.host}:${smartHost.port}` : foldDomain(splitAddress(address).domain)

/** Splits routes by connector and destination: each becomes one message of the queue. */
function targetsOf(routes: readonly Route[], message: Planned): QueueTarget[] {
  const groups = new Map<string, Route[]>()
  for (const route of routes) {
    const { connector, recipient } = route
    const key = `${connector.name}\n${destinationOf(connector, finalAddress(connector, recipient))}`
    groups.set(key, [...(groups.get(key) ?? []), route])
  }
  return [...groups.values()].map((group) => targetOf(group, message))
}

function targetOf(group: readonly Route[], { envelope, header, session }: Planned): QueueTarget {
  const [{ connector }] = group as readonly [Route]
  const given = group.map(({ recipient }) => recipient)
  const recipients = rewriteRecipients(connector, given)
  const { mailFrom, recipients: _, ...options } = envelope
  const subject = subjectOf(header)
  // RFC 8689 section 4.1: REQUIRETLS outweighs the field.
  const ignoresTlsPolicies = !options.requireTls && /^no$/i.test(fieldOf(header, 'tls-required')?.trim() ?? '')
  return {
    mailFrom: mailFrom === '' ? '' : (connector.rewrite?.from ?? mailFrom),
    rcptTo: given.map(({ address }) => address),
    ...(session !== undefined && { session }),
    outgoing: {
      ...options,
      connector: connector.name,
      destination: destinationOf(connector, recipients[0]?.address ?? ''),
      recipients,
      ...(subject !== undefined && { subject }),
      ...(ignoresTlsPolicies && { ignoresTlsPolicies }),
    },
  }
}

/** With `rewrite.to`, one address replaces all recipients. A single recipient is its ORCPT. RFC 3461 section 5.2.4 */
function rewriteRecipients(
  { rewrite }: ResolvedConnector,
  given: readonly OutgoingRecipient[],
): readonly OutgoingRecipient[] {
  if (rewrite?.to === undefined) return given
  const [only, ...others] = given
  if (only === undefined || others.length > 0) return [{ address: rewrite.to }]
  return [{ originalRecipient: `rfc822;${only.address}`, ...only, address: rewrite.to }]
}

const fieldOf = (header: Buffer, name: string): string | undefined => headerValue(header, headerFields(header), name)

/** Characters of a subject that the queue shows. */
const MAX_SUBJECT = 200

function subjectOf(header: Buffer): string | undefined {
  const value = fieldOf(header, 'subject')
  return value === undefined ? undefined : decodeWords(value).slice(0, MAX_SUBJECT)
}
