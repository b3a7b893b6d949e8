import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import type { ResolvedLab } from '../core/config/resolve.ts'
import { hasFailed } from '../core/sessions/describe.ts'
import { timeText } from '../core/time/time-text.ts'
import { dropsOldest } from '../storage/store/open.ts'
import type { Api } from './api.ts'
import { clusterHealth } from './cluster.ts'
import { messagesIn } from './lab-operations.ts'
import { defineOperation } from './operation.ts'

/** Days before its end from which a certificate that is served needs attention. */
const EXPIRES_SOON_DAYS = 14
const DAY_MS = 86_400_000
/** Refusals of the last minutes need attention. */
const RECENT_MS = 10 * 60_000
/** A store or a memory that is fuller than this needs attention. */
const NEARLY_FULL = 0.9
/** A disk with this much room is not nearly full, however large it is. */
const ROOMY_OCTETS = 1 << 30

const ok = z.boolean().describe('False: it needs attention.')
const certificate = z.object({ virtualServer: z.string(), friendlyName: z.string(), expiresAt: z.iso.datetime() })

const output = z
  .object({
    ok: z.boolean().describe('False if any part needs attention.'),
    ports: z.object({
      ok,
      open: z.number().int().describe('Number of ports that clients can reach.'),
      closed: z.array(z.string()).describe('Virtual servers that clients cannot reach now.'),
    }),
    store: z.object({
      ok,
      kind: z.enum(['memory', 'lmdb', 'postgres']),
      messages: z.number().int(),
      usedOctets: z.number().int(),
      freeOctets: z
        .number()
        .int()
        .nullable()
        .describe(
          'What it can still take: within its limit, or on its disk. Null: not known. PostgreSQL only tells that its disk is full: 0.',
        ),
      bodies: z
        .string()
        .optional()
        .describe('Why the bucket with the octets of large messages (`store.bodies`) cannot be used now.'),
      setback: z
        .object({ at: z.iso.datetime(), folders: z.number().int().describe('Mailboxes that got a new UIDVALIDITY.') })
        .optional()
        .describe('The database has lost changes that were acknowledged. Until the node restarts, or for a day.'),
    }),
    memory: z.object({
      ok,
      usedOctets: z.number().int().describe('Memory that clients make the lab use.'),
      limitOctets: z.number().describe('`memoryLimit`.'),
      refusals: z.number().int().describe('What was refused because of the limit, since the start.'),
    }),
    certificates: z.object({
      ok,
      expiring: z.array(certificate).describe('Certificates in use that have expired, or expire within 14 days.'),
      notServed: z
        .array(z.object({ virtualServer: z.string(), friendlyName: z.string(), why: z.string() }))
        .describe('Certificates that are installed, and that their virtual server cannot serve.'),
      next: certificate.nullable().describe('The certificate in use that expires first.'),
    }),
    requests: z.object({ ok, waiting: z.number().int().describe('Requests that wait at authorities of the lab.') }),
    sessions: z
      .object({
        ok,
        refused: z.number().int(),
        latest: z.object({ id: z.string(), virtualServer: z.string(), why: z.string() }).nullable(),
      })
      .describe('Refused mail and news sessions of the last 10 minutes.'),
    cluster: z
      .object({
        ok,
        ready: z.number().int().describe('Number of nodes that serve clients.'),
        lost: z.array(z.string()).describe('Nodes that were lost in the last 10 minutes.'),
        unled: z.array(z.string()).describe('Work that no node does at the moment.'),
      })
      .optional()
      .describe('Absent if the lab is one process by itself.'),
  })
  .meta({ id: 'Health' })

const get = defineOperation('health.get', 'GET /health', {
  summary: 'Read what needs attention: closed ports, a full store, certificates, requests, refused sessions.',
  access: 'inspect',
  input: z.strictObject({}),
  output,
  async run({ api }) {
    const cluster = await clusterHealth(api)
    const parts = {
      ports: portsOf(api),
      store: await storeOf(api),
      memory: memoryOf(api),
      certificates: certificatesOf(api),
      requests: await requestsOf(api),
      sessions: sessionsOf(api),
      ...(cluster && { cluster }),
    }
    return { ok: Object.values(parts).every((part) => part.ok), ...parts }
  },
})

function portsOf({ lab }: Api) {
  const endpoints = lab.endpoints().map(({ virtualServer, port, tlsPort, reachable }) => ({
    virtualServer,
    ports: reachable ? [port, tlsPort].filter((one) => one !== undefined).length : 0,
  }))
  const closed = endpoints.filter(({ ports }) => ports === 0).map(({ virtualServer }) => virtualServer)
  return { ok: closed.length === 0, open: endpoints.reduce((sum, { ports }) => sum + ports, 0), closed }
}

async function storeOf({ lab }: Api) {
  const messages = await messagesIn(lab.store)
  const { store } = lab.config
  const { usedOctets, freeOctets } = await lab.store.room()
  const hasOctets =
    freeOctets === undefined || freeOctets >= ROOMY_OCTETS || usedOctets < NEARLY_FULL * (usedOctets + freeOctets)
  const { setback } = lab.store
  const bodies = await lab.store.bodiesFailure?.()
  const isSetBack = setback !== undefined && lab.clock.now() - setback.at < DAY_MS
  const maxMessages = (typeof store === 'object' ? store.messages : undefined) ?? Number.POSITIVE_INFINITY
  return {
    // A store that drops its oldest messages takes new ones when it is full.
    ok:
      !isSetBack && bodies === undefined && (dropsOldest(store) || (hasOctets && messages < NEARLY_FULL * maxMessages)),
    kind: kindOf(store),
    messages,
    usedOctets,
    freeOctets: freeOctets ?? null,
    ...(bodies !== undefined && { bodies }),
    ...(isSetBack && { setback: { at: timeText(setback.at), folders: setback.folders } }),
  }
}

const kinds = ['memory', 'lmdb', 'postgres'] as const

const kindOf = (store: ResolvedLab['store']): (typeof kinds)[number] =>
  kinds.find((kind) => store === kind || (typeof store === 'object' && kind in store)) ?? 'memory'

function memoryOf({ lab }: Api) {
  const { used, limit, refusals } = lab.intake.memory.usage
  return { ok: used < NEARLY_FULL * limit, usedOctets: used, limitOctets: limit, refusals }
}

function certificatesOf({ lab }: Api) {
  const served = lab.servedCertificates
    .list()
    .map(({ virtualServer, friendlyName, certificatePem }) => ({
      virtualServer,
      friendlyName,
      expires: Date.parse(new X509Certificate(certificatePem).validTo),
    }))
    .sort((a, b) => a.expires - b.expires)
    .map(({ expires, ...rest }) => ({ expires, shown: { ...rest, expiresAt: timeText(expires) } }))
  const limit = lab.clock.now() + EXPIRES_SOON_DAYS * DAY_MS
  const expiring = served.filter(({ expires }) => expires < limit).map(({ shown }) => shown)
  const notServed = lab.servedCertificates
    .notServed()
    .map(({ virtualServer, friendlyName, why }) => ({ virtualServer, friendlyName, why }))
  return {
    ok: expiring.length === 0 && notServed.length === 0,
    expiring,
    notServed,
    next: served[0]?.shown ?? null,
  }
}

async function requestsOf({ lab }: Api) {
  const requests = await lab.authorities.requests()
  const waiting = requests.filter(({ state }) => state === 'pending').length
  return { ok: waiting === 0, waiting }
}

function sessionsOf({ lab }: Api) {
  const since = lab.clock.now() - RECENT_MS
  // HTTP is left out: scripts that try tokens are not what a lab is for.
  const refused = lab.sessionLog
    .list()
    .filter((one) => one.protocol !== 'http' && (one.endedAt ?? 0) >= since && hasFailed(one))
  const latest = refused.reduce<(typeof refused)[number] | undefined>(
    (last, one) => (last && (last.endedAt ?? 0) > (one.endedAt ?? 0) ? last : one),
    undefined,
  )
  return {
    ok: refused.length === 0,
    refused: refused.length,
    latest: latest
      ? {
          id: latest.id,
          virtualServer: latest.virtualServer,
          why: latest.refusals.at(-1) ?? latest.endCause ?? 'internal error',
        }
      : null,
  }
}

export const healthOperations = [get] as const
