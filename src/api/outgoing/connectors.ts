import { z } from 'zod'
import { slug } from '../../core/config/edit/config-path.ts'
import { timeText } from '../../core/time/time-text.ts'
import type { ResolvedConnector } from '../../transport/outgoing/types.ts'
import type { Api } from '../api.ts'
import { defineOperation } from '../operation.ts'
import { notFound } from '../problem.ts'
import { queueStates } from './queue-shape.ts'

const connector = z
  .object({
    id: z.string(),
    name: z.string(),
    domains: z.array(z.string()).describe('Recipient domains that it sends to; `*` is every other domain.'),
    when: z
      .enum(['release', 'automatic', 'never'])
      .describe('release: somebody releases each message. automatic: the lab sends it. never: it stays in the lab.'),
    protocol: z.enum(['smtp', 'lmtp']).describe('What it speaks with the next host.'),
    route: z.enum(['smartHost', 'dns']),
    smartHost: z
      .object({ host: z.string(), port: z.number().int(), tls: z.string(), user: z.string().nullable() })
      .nullable()
      .describe('The host that takes all its mail; null if DNS names the hosts.'),
    keepCopy: z.boolean().describe('Whether the lab also keeps a copy of mail that it sends automatically.'),
    rewrite: z
      .object({ to: z.string().nullable(), from: z.string().nullable() })
      .describe('Addresses that replace the recipients and the sender of every message.'),
    allow: z.array(z.string()).nullable().describe('Recipients that mail may be sent to; null: all.'),
    deny: z.array(z.string()).describe('Recipients that no mail is sent to.'),
    certificate: z.string().nullable().describe('The certificate that it shows to the next host.'),
    queue: z
      .object(Object.fromEntries(queueStates.map((state) => [state, z.number().int()])))
      .describe('Messages in the queue, by state.'),
    queued: z.number().int().describe('Messages that were queued since the start of the lab.'),
    sent: z.number().int().describe('Attempts since the start of the lab that the next host accepted.'),
    deferred: z.number().int().describe('Attempts after which the lab tries again.'),
    failed: z.number().int().describe('Messages that were given up.'),
    lastSentAt: z.string().nullable(),
    lastError: z
      .object({ at: z.string(), text: z.string(), session: z.string().nullable() })
      .nullable()
      .describe('The last attempt that did not succeed, and its session.'),
  })
  .meta({ id: 'Connector' })

/** Returns the configuration and the state of a connector, without secrets. */
function factsOf({ outgoing }: Api, config: ResolvedConnector): z.output<typeof connector> {
  const { name, domains, when, protocol, smartHost, keepCopy, rewrite, allow, deny, certificate } = config
  const { lastSentAt, lastError, ...counts } = outgoing.record.of(name)
  const queued = outgoing.queue.list().filter((one) => one.connector === name)
  return {
    id: slug(name),
    name,
    domains: [...domains],
    when,
    protocol,
    route: smartHost ? 'smartHost' : 'dns',
    smartHost: smartHost
      ? { host: smartHost.host, port: smartHost.port, tls: smartHost.tls, user: smartHost.user ?? null }
      : null,
    keepCopy,
    rewrite: { to: rewrite?.to ?? null, from: rewrite?.from ?? null },
    allow: allow ? [...allow] : null,
    deny: [...deny],
    certificate: certificate ?? null,
    queue: Object.fromEntries(queueStates.map((state) => [state, queued.filter((one) => one.state === state).length])),
    ...counts,
    lastSentAt: lastSentAt === undefined ? null : timeText(lastSentAt),
    lastError: lastError
      ? { at: timeText(lastError.at), text: lastError.text, session: lastError.session ?? null }
      : null,
  }
}

const ID = z.string().describe('Id or name of the connector.')

/** @throws ApiProblem `not-found` */
function connectorWith({ lab }: Api, id: string): ResolvedConnector {
  const { connectors } = lab.config.outgoing
  const found = connectors.find(({ name }) => name === id || slug(name) === id)
  if (found) return found
  const known = connectors.map(({ name }) => slug(name)).join(', ')
  throw notFound(`there is no connector ${id}; ${known === '' ? 'the configuration has none' : `there are: ${known}`}`)
}

const list = defineOperation('connectors.list', 'GET /connectors', {
  runsAt: 'outgoing',
  listKey: 'id',
  summary: 'List the connectors, which send mail to other hosts: their configuration, queue, counts and last error.',
  access: 'inspect',
  input: z.strictObject({}),
  output: z.object({ items: z.array(connector) }),
  run: async ({ api }) => ({ items: api.lab.config.outgoing.connectors.map((one) => factsOf(api, one)) }),
})

const get = defineOperation('connectors.get', 'GET /connectors/{id}', {
  runsAt: 'outgoing',
  summary: 'Read one connector.',
  access: 'inspect',
  input: z.strictObject({ id: ID }),
  output: connector,
  run: async ({ api, input: { id } }) => factsOf(api, connectorWith(api, id)),
})

const test = defineOperation('connectors.test', 'POST /connectors/{id}/test', {
  summary: 'Connect to the next host of a connector, verify its certificate, log on and quit, without sending mail.',
  access: 'administer',
  input: z.strictObject({
    id: ID,
    domain: z
      .string()
      .optional()
      .describe(
        'Recipient domain whose host is tested. Required if DNS names the hosts and `domains` has patterns only.',
      ),
  }),
  output: z
    .object({
      ok: z.boolean(),
      host: z.string().nullable().describe('The host that was tested; null if none was found.'),
      port: z.number().int().nullable(),
      session: z.string().nullable().describe('Id of the session, which has the transcript.'),
      steps: z.array(
        z.object({
          step: z.enum(['route', 'connect', 'EHLO', 'STARTTLS', 'certificate', 'AUTH', 'QUIT']),
          ok: z.boolean(),
          text: z.string().describe('What happened, in words.'),
        }),
      ),
    })
    .meta({ id: 'ConnectorTest' }),
  async run({ api, input: { id, domain }, signal }) {
    const { ok, host, port, session, steps } = await api.outgoing.test(connectorWith(api, id), { domain, signal })
    return { ok, host: host ?? null, port: port ?? null, session: session ?? null, steps }
  },
})

export const connectorOperations = [list, get, test] as const
