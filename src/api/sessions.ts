import { z } from 'zod'
import { isSameName } from '../accounts/directory/names.ts'
import { serverProtocols } from '../core/config/schema/protocol.ts'
import { causeNames } from '../core/sessions/cures.ts'
import {
  describeAgreement,
  describeOffer,
  describeSession,
  describeTranscript,
  hasFailed,
  sessionJson,
} from '../core/sessions/describe.ts'
import type { ClientHelloFacts, SessionRecord } from '../core/sessions/types.ts'
import { abortAfter } from '../core/time/abort-after.ts'
import { delay } from '../core/time/real-timers.ts'
import { versionName } from '../tls/negotiation/client-hello-facts.ts'
import { groupName, signatureAlgorithmName } from '../tls/negotiation/names.ts'
import type { ServedTls } from '../tls/negotiation/routing.ts'
import { suiteBits, suiteName } from '../tls/negotiation/suites.ts'
import type { Api } from './api.ts'
import { seesSession } from './caller.ts'
import { flag, queryDuration } from './input-types.ts'
import { pageById, pageInput } from './lists.ts'
import { type Call, Content, defineOperation } from './operation.ts'
import { pageOfNodes, pageOfNodesOf } from './pages-of-nodes.ts'
import { ApiProblem, notFound } from './problem.ts'

/** The result of a TLS handshake, as `TlsFacts`. */
const tlsFacts = z.looseObject({ version: z.string(), cipher: z.string(), bits: z.int() })

const session = z
  .looseObject({
    id: z.string(),
    node: z.string().optional().describe('The node that serves it. Absent if the lab is one process by itself.'),
    protocol: z.string(),
    virtualServer: z.string(),
    direction: z
      .literal('out')
      .optional()
      .describe(
        '`out`: the lab opened the connection, to send mail or articles. Absent: a client connected to the lab.',
      ),
    proxy: z
      .object({ address: z.string(), port: z.int() })
      .optional()
      .describe('The proxy that the client came by, if it said who the client is.'),
    remoteAddress: z.string(),
    user: z.string().optional().describe('The account that has logged on.'),
    tls: tlsFacts.optional().describe('The result of the handshake. Absent: clear text.'),
    refusals: z
      .array(z.string())
      .describe('Why a handshake, a log-on, a command or a message was refused: the replies, or the reasons.'),
    cures: z
      .array(
        z.object({
          cause: z.enum(causeNames),
          account: z.string().optional().describe('The account whose log-on was refused, if the lab has it.'),
          text: z.string().describe('What to do.'),
        }),
      )
      .describe('What would help the client, by the cause of each refusal that the lab knows a cure for.'),
    startedAt: z.string().describe('RFC 3339.'),
    endedAt: z.string().optional().describe('RFC 3339. Absent while the session is open.'),
    endCause: z.string().optional(),
    resetAt: z
      .string()
      .optional()
      .describe(
        'The time of the last reset of the lab, if the connection was open then. Its refusals and its transcript begin there.',
      ),
    usedBy: z
      .array(z.string())
      .optional()
      .describe(
        'All who have used the connection, if they are several: accounts, `TENANT-` for the token of a tenant, and an empty text for other tokens and failed log-ons. Only administrators and readers see such a session, or the tenant that all of them belong to.',
      ),
    summary: z.string(),
    captured: z.boolean().describe('Whether the traffic of the session can be downloaded.'),
  })
  .meta({
    id: 'Session',
    description:
      'A connection of a client, or of the lab to another host: its address and account, TLS facts, and refusals.',
  })

/** As a pattern, which the OpenAPI document tells callers. */
const LIST_OF_PROTOCOLS = new RegExp(`^(?:${serverProtocols.join('|')})(?:,(?:${serverProtocols.join('|')}))*$`)

const listInput = {
  failed: flag.default(false).describe('Only sessions with a refusal or an error.'),
  open: flag.default(false).describe('Only sessions that are open.'),
  direction: z.enum(['in', 'out']).optional().describe('in: of clients. out: opened by the lab.'),
  protocol: z
    .string()
    .regex(LIST_OF_PROTOCOLS, `has another protocol than ${serverProtocols.join(', ')}`)
    .optional()
    .describe(`One or several protocols, separated by commas: ${serverProtocols.join(', ')}.`),
  user: z.string().optional(),
  virtualServer: z.string().optional().describe('Name of the virtual server.'),
  address: z.string().optional().describe('The beginning of the client’s address.'),
  fault: z.string().optional().describe('Name of a fault: only sessions in which it has happened.'),
  ...pageInput,
}

const list = defineOperation('sessions.list', 'GET /sessions', {
  summary: 'List the sessions, newest first, including failed handshakes.',
  access: 'read',
  input: z.strictObject(listInput),
  output: pageOfNodesOf(session),
  async run(call) {
    const { api, caller, input } = call
    const seen = api.lab.sessionLog.list().filter((one) => seesSession(caller, one))
    const isWanted = matcherOf(input)
    if (api.lab.cluster.isShared) {
      const own = seen.filter(isWanted).map((one) => ({ id: one.id, at: one.startedAt, show: () => factsOf(api, one) }))
      return pageOfNodes(call, 'sessions.list', own, 'startedAt')
    }
    const { items, ...page } = pageById(seen.toReversed(), { ...input, epoch: api.index.epoch }, isWanted)
    return { items: items.map((one) => factsOf(api, one)), ...page }
  },
})

type ListInput = z.output<z.ZodObject<typeof listInput>>

const matcherOf = ({ failed, open, direction, protocol, user, virtualServer, address = '', fault }: ListInput) => {
  const protocols = protocol?.split(',')
  return (one: SessionRecord): boolean =>
    (!failed || hasFailed(one)) &&
    (!open || one.endedAt === undefined) &&
    (direction === undefined || direction === (one.direction ?? 'in')) &&
    (protocols === undefined || protocols.includes(one.protocol)) &&
    (user === undefined || isSameName(one.user, user)) &&
    (virtualServer === undefined || one.virtualServer === virtualServer) &&
    one.remoteAddress.startsWith(address) &&
    (fault === undefined || one.transcript.some((entry) => entry.kind === 'note' && entry.text === `fault: ${fault}`))
}

/** Returns a session as lists show it, without its transcript. */
function factsOf(api: Api, record: SessionRecord): Record<string, unknown> {
  const { transcript: _, ...rest } = sessionJson(record) as Record<string, unknown>
  return { ...rest, summary: describeSession(record), captured: api.lab.captures.sessions.has(record.id) }
}

/** Returns the facts of a session without the numbers of its ClientHello, which `sessions.handshake` has in words. */
export function withoutHello({ hello: _, tls, ...facts }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (typeof tls !== 'object' || tls === null) return facts
  const { hello: __, ...rest } = tls as Record<string, unknown>
  return { ...facts, tls: rest }
}

/** Returns what a time-out says about a session that was refused. */
export const refusedSession = (api: Api, record: SessionRecord): Record<string, unknown> =>
  withoutHello(factsOf(api, record))

/** Longest wait for an entry of a transcript: a node answers another one in 10 seconds. */
const MAX_FOLLOW_MS = 8_000
/** Lines that follow each other within this time arrive together. */
const GATHER_MS = 50

const get = defineOperation('sessions.get', 'GET /sessions/{id}', {
  runsAt: 'id',
  summary: 'Read a session with its transcript, or wait for further entries of the transcript.',
  access: 'read',
  input: z.strictObject({
    id: z.string(),
    format: z.enum(['json', 'text']).default('json'),
    from: z.coerce
      .number()
      .int()
      .nonnegative()
      .default(0)
      .describe('How many entries of the transcript the caller has. The response has those after them.'),
    wait: queryDuration
      .refine((ms) => ms <= MAX_FOLLOW_MS, 'is longer than 8s, the longest wait; ask again instead')
      .optional()
      .describe('Longest wait for an entry that the caller does not have, or for the end of the session.'),
  }),
  output: session.extend({
    from: z
      .int()
      .describe(
        'The number of the first entry in `transcript`. It is smaller than asked for if an entry has changed or the lab was reset.',
      ),
  }),
  otherOutputs: ['text/plain'],
  async run(call) {
    const { format, from, wait } = call.input
    if (wait !== undefined) await untilGrown(call, from, wait)
    const found = sessionOf(call)
    if (format === 'text') return new Content('text/plain; charset=utf-8', `${describeTranscript(found).join('\n')}\n`)
    const first = firstToSend(found, from)
    const sent = { ...found, transcript: found.transcript.slice(first) }
    return {
      ...sessionJson(sent),
      summary: describeSession(found),
      captured: call.api.lab.captures.sessions.has(found.id),
      from: first,
    }
  },
})

/** Returns the first entry that a caller with some entries needs: the octets of a message may have been counted on. */
function firstToSend({ transcript: entries }: SessionRecord, from: number): number {
  if (from > entries.length) return 0
  return entries[from - 1]?.kind === 'octets' ? from - 1 : from
}

/** Resolves when a session has more than some entries, has ended, or after a time. */
async function untilGrown(call: Call<{ readonly id: string }>, entries: number, waitMs: number): Promise<void> {
  const { api, signal } = call
  const lostRights = (await call.standing?.()) ?? (() => undefined)
  const { id } = sessionOf(call)
  const isReady = (): boolean => {
    const record = api.lab.sessionLog.get(id)
    return record?.endedAt !== undefined || record?.transcript.length !== entries
  }
  using limit = abortAfter(waitMs, signal, api.stopping)
  if (!isReady() && !limit.signal.aborted) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        unwatch()
        resolve()
      }
      const unwatch = api.lab.sessionLog.observe(({ record }) => {
        if (record.id === id && isReady()) done()
      })
      limit.signal.addEventListener('abort', done, { once: true })
    })
    if (!limit.signal.aborted) await delay(GATHER_MS)
  }
  const problem = lostRights()
  if (problem) throw problem
}

/** Returns a session that the caller sees. @throws ApiProblem `not-found` */
function sessionOf({ api, caller, input: { id } }: Call<{ readonly id: string }>): SessionRecord {
  const found = api.lab.sessionLog.get(id)
  if (found && seesSession(caller, found)) return found
  throw notFound(`there is no session ${id}; the lab keeps the latest 1,000, and GET /api/v1/sessions lists them`)
}

const suite = z.object({
  name: z.string(),
  bits: z.number().int().nullable().describe('Strength of the symmetric cipher; null for an unknown suite.'),
})

const comparison = z
  .object({
    offered: z.object({
      versions: z.array(z.string()),
      suites: z.array(suite),
      groups: z.array(z.string()),
      keyShares: z.array(z.string()),
      signatureAlgorithms: z.array(z.string()),
      alpn: z.array(z.string()),
    }),
    served: z
      .object({ versions: z.array(z.string()), suites: z.array(suite), groups: z.array(z.string()) })
      .nullable()
      .describe('What the virtual server can negotiate now; null if it has no certificate or no longer exists.'),
  })
  .meta({ description: 'What the client offered in its ClientHello, next to what the virtual server can negotiate.' })

const namedSuite = (id: number) => ({ name: suiteName(id), bits: suiteBits(suiteName(id)) ?? null })

const offeredBy = (hello: ClientHelloFacts) => ({
  versions: [...hello.versions],
  suites: hello.suites.map(namedSuite),
  groups: (hello.groups ?? []).map(groupName),
  keyShares: (hello.keyShares ?? []).map(groupName),
  signatureAlgorithms: (hello.signatureAlgorithms ?? []).map(signatureAlgorithmName),
  alpn: [...hello.alpn],
})

const servedNames = ({ versions, suites, groups }: ServedTls) => ({
  versions: versions.map(versionName),
  suites: suites.map(namedSuite),
  groups: groups.map(groupName),
})

const handshake = defineOperation('sessions.handshake', 'GET /sessions/{id}/handshake', {
  runsAt: 'id',
  summary: 'Explain the TLS handshake of a session in plain words.',
  access: 'read',
  input: z.strictObject({ id: z.string() }),
  output: z
    .object({
      session: z.string(),
      virtualServer: z.string(),
      outcome: z
        .enum(['established', 'failed', 'none'])
        .describe('`none`: no handshake took place, or it is not finished.'),
      explanation: z.string().describe('What happened and, after a failure, what to do.'),
      offered: z.string().nullable().describe('What the client offered.'),
      agreed: z.string().nullable().describe('What client and server agreed on.'),
      clientSoftware: z.string().nullable().describe('The JA4 fingerprint of the client.'),
      policy: z
        .object({ minVersion: z.string(), maxVersion: z.string(), require128BitEncryption: z.boolean() })
        .nullable()
        .describe('What the virtual server accepts now.'),
      certificate: z
        .object({ friendlyName: z.string(), thumbprint: z.string() })
        .nullable()
        .describe('The certificate that the virtual server serves now.'),
      comparison: comparison.nullable(),
    })
    .meta({ id: 'Handshake' }),
  async run(call) {
    const found = sessionOf(call)
    const { id, virtualServer, hello, tls } = found
    const { api } = call
    const server = api.lab.config.virtualServers.find((one) => one.name === virtualServer)
    const endpoint = api.lab.endpoints().find((one) => one.virtualServer === virtualServer)
    const { minVersion = '', maxVersion = '' } = server?.tls ?? {}
    const served = await api.lab.servedCertificates.tls(virtualServer)
    return {
      session: id,
      virtualServer,
      ...outcomeOf(found),
      offered: hello ? describeOffer(hello) : null,
      agreed: tls ? describeAgreement(tls) : null,
      clientSoftware: hello?.ja4 ?? null,
      policy: server ? { minVersion, maxVersion, require128BitEncryption: server.require128BitEncryption } : null,
      certificate: endpoint?.certificate ?? null,
      comparison: hello ? { offered: offeredBy(hello), served: served ? servedNames(served) : null } : null,
    }
  },
})

/** Begins the refusals that come from a handshake. */
const HANDSHAKE = /^TLS handshake: /

function outcomeOf({ tls, hello, endCause, refusals, direction }: SessionRecord) {
  const reasons = refusals.map((one) => one.replace(HANDSHAKE, ''))
  if (endCause === 'handshake failed') return { outcome: 'failed', explanation: reasons.join('; ') } as const
  if (tls) {
    const later = reasons.length === 0 ? '' : `; refused afterwards: ${reasons.join('; ')}`
    return {
      outcome: 'established',
      explanation: `the handshake succeeded: ${describeAgreement(tls)}${later}`,
    } as const
  }
  const unasked = direction === 'out' ? 'the session did not use TLS' : 'the client did not ask for TLS'
  const explanation = hello ? 'the handshake is not finished' : unasked
  return { outcome: 'none', explanation } as const
}

const capture = defineOperation('sessions.capture', 'GET /sessions/{id}/capture', {
  runsAt: 'id',
  summary: 'Download the traffic of a session as a pcapng file, with its TLS secrets. Needs the key `testing.packets`.',
  access: 'administer',
  input: z.strictObject({ id: z.string() }),
  output: 'application/vnd.tcpdump.pcap',
  problems: ['conflict'],
  async run(call) {
    const { api } = call
    const record = sessionOf(call)
    const { id } = record
    const file = api.lab.captures.sessions.read(id)
    if (!file) throw new ApiProblem('conflict', whyNotCaptured(api, record))
    return new Content('application/vnd.tcpdump.pcap', file, {
      'Content-Disposition': `attachment; filename="${id}.pcapng"`,
    })
  },
})

/** Says why there is no traffic of a session, and what to do. */
function whyNotCaptured({ lab: { config } }: Api, { id, virtualServer }: SessionRecord): string {
  const server = config.virtualServers.find(({ name }) => name === virtualServer)
  const settings = [config.testing.packets, server?.packets].filter((one) => one !== undefined)
  if (settings.length === 0)
    return `the traffic of ${id} was not captured; add \`testing: { packets: memory }\` to the configuration for further sessions`
  if (settings.every(({ memory }) => memory === 0))
    return `the traffic of ${id} is not in memory, because \`memory\` of \`packets\` is 0; ${settings[0]?.file} has it`
  return `the traffic of ${id} was not captured, or newer sessions have displaced it; raise \`memory\` of \`packets\` to keep more`
}

export const sessionOperations = [list, get, handshake, capture] as const
