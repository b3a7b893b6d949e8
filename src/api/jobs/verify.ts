import { z } from 'zod'
import type { Endpoint, EndpointReport, Finding, VerifyOptions } from '../../checks/verify/index.ts'
import { slug } from '../../core/config/edit/config-path.ts'
import { faultProtocols, protocols } from '../../core/config/schema/protocol.ts'
import { timeLimit } from '../../core/config/schema/values.ts'
import { isLoopbackHost, reachableAddress } from '../../core/network/ip-address.ts'
import { version } from '../../core/text/version.ts'
import { systemClock } from '../../core/time/clock.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import type { Api } from '../api.ts'
import { defineOperation } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'
import type { JobReport, JobWork } from './job.ts'
import { jobDetails, jobPath } from './shape.ts'

const MAX_TIMEOUT_MS = 60_000

const input = z.strictObject({
  virtualServers: z.array(z.string()).optional().describe('Ids or names. Default: every virtual server.'),
  host: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Another server to examine: a loopback address, or a host that `testing.verify.targets` of the configuration lists.',
    ),
  protocols: z
    .array(z.enum(faultProtocols))
    .min(1)
    .optional()
    .describe(
      'jmap: of HTTP virtual servers, the session object of JMAP. Default: for virtual servers all other protocols, for a host those of mail and news.',
    ),
  port: z.number().int().min(1).max(65_535).optional().describe('Default: the registered ports.'),
  form: z.enum(['starttls', 'implicit']).optional().describe('How TLS begins on the port.'),
  serverName: z.string().min(1).optional().describe('The name that the certificate must have. Default: the host.'),
  requireSecureChannel: z
    .boolean()
    .optional()
    .describe('Check that the host refuses everything except STARTTLS in clear text.'),
  ca: z
    .string()
    .optional()
    .describe('Roots to verify against, in PEM. Default: for the lab its own, for a host those of the system.'),
  only: z.array(z.string()).min(1).optional().describe('Names of the checks to run (docs/verify.md). Default: all.'),
  user: z
    .string()
    .optional()
    .describe('Account with which the check `delivery` sends a message and an article, and reads them back.'),
  password: z.string().optional().describe('Password of the user. Default: the one in the configuration.'),
  mailbox: z.string().optional().describe('Mail address of the user.'),
  newsgroup: z.string().optional().describe('Newsgroup to post to. Default: the first that allows posting.'),
  timeout: timeLimit
    .refine((ms) => ms > 0 && ms <= MAX_TIMEOUT_MS, 'write a time of up to 60s')
    .prefault('10s')
    .describe('Longest wait for an answer of a server.'),
})

type VerifyInput = z.output<typeof input>

/** The servers to examine, with the roots and the account to use. */
interface Target extends Pick<VerifyOptions, 'ca' | 'credentials' | 'mailbox' | 'listHosts'> {
  readonly endpoints: readonly Endpoint[]
}

export const startVerify = defineOperation('verify.start', 'POST /verify', {
  summary: 'Start a job that examines TLS, certificates and protocols of virtual servers, or of another server.',
  access: 'administer',
  input,
  output: jobDetails,
  status: 202,
  problems: ['not-found', 'too-many-requests'],
  location: jobPath,
  async run({ api, caller, input: wanted }) {
    const { endpointsJson, expectedFindings, reportedChecks, verifyEndpoints } = await import(
      '../../checks/verify/index.ts'
    )
    assertKnown(
      wanted.only,
      reportedChecks.map(({ name }) => name),
    )
    const target = await (wanted.host === undefined ? labTarget(api, wanted) : hostTarget(api, wanted.host, wanted))
    if (target.endpoints.length === 0)
      throw new ApiProblem(
        'invalid',
        'none of the selected virtual servers has an open port; start one, or select another virtual server, protocol or form',
      )
    const { endpoints, ...options } = target
    const names = [...new Set(endpoints.map(({ title }) => title))]
    const work: JobWork = async (job) => {
      const total = expectedFindings(endpoints, { ...options, ...omitUndefined({ only: wanted.only }) })
      let done = 0
      job.progress({ done, total, now: `connects to ${endpoints.length} ports` })
      const settings: VerifyOptions = {
        ...options,
        ...omitUndefined({ only: wanted.only, newsgroup: wanted.newsgroup }),
        timeoutMs: wanted.timeout,
        now: systemClock.now,
        signal: job.signal,
        // One run would displace a third of the recorded sessions.
        onConnection: ({ localAddress, localPort, remotePort }) =>
          api.lab.sessionLog.forget({ remoteAddress: localAddress, remotePort: localPort, localPort: remotePort }),
      }
      const found = new Map(endpoints.map((endpoint) => [endpoint, [] as Finding[]]))
      job.show(() => endpointsJson([...found].map(([endpoint, findings]) => ({ endpoint, findings }))))
      const reports = await verifyEndpoints(endpoints, settings, (endpoint, finding) => {
        found.get(endpoint)?.push(finding)
        const { title, port } = endpoint
        job.progress({ done: ++done, total, now: `${title}, port ${port}: ${finding.title}` })
      })
      return verifyReport(reports, reportedChecks, { startedAt: job.startedAt, endedAt: api.lab.clock.now() })
    }
    const { password: _, timeout, ...again } = wanted
    const description = { about: names.join(', '), input: { ...again, timeout: `${timeout}ms` } }
    return api.jobs.start({ kind: 'verify', by: caller.name, ...description }, work).details
  },
})

/** @throws ApiProblem `invalid` */
function assertKnown(only: readonly string[] | undefined, names: readonly string[]): void {
  for (const [index, name] of (only ?? []).entries()) {
    if (names.includes(name)) continue
    const message = `is not a check; there are: ${names.join(', ')}`
    throw new ApiProblem('invalid', `/only/${index}: ${message}`, { errors: [{ pointer: `/only/${index}`, message }] })
  }
}

async function labTarget(api: Api, wanted: VerifyInput): Promise<Target> {
  const { endpointsOf } = await import('../../checks/verify/index.ts')
  const { config, certificateStore } = api.lab
  const known = config.virtualServers
  for (const id of wanted.virtualServers ?? []) {
    if (known.some(({ name }) => name === id || slug(name) === id)) continue
    const ids = known.map(({ name }) => slug(name)).join(', ')
    throw notFound(`there is no virtual server ${id}; there are: ${ids}`)
  }
  const named = known.filter(
    ({ name }) => wanted.virtualServers?.some((id) => id === name || id === slug(name)) ?? true,
  )
  const running = api.lab.endpoints()
  const endpoints = named.flatMap((server) => {
    const open = running.find(({ virtualServer }) => virtualServer === server.name)
    const name = wanted.serverName ?? config.hostname
    const spoken = [server.protocol, ...(server.protocol === 'http' && server.jmap !== 'off' ? ['jmap' as const] : [])]
    const chosen = spoken.filter((one) => wanted.protocols?.includes(one) ?? one !== 'jmap')
    return chosen.flatMap((protocol) =>
      open ? endpointsOf(server, open, reachableAddress(server.address), name, protocol) : [],
    )
  })
  return {
    endpoints: endpoints.filter(
      ({ implicitTls }) => wanted.form === undefined || (wanted.form === 'implicit') === implicitTls,
    ),
    ca: [wanted.ca ?? certificateStore.rootPem],
    // Where the certificates of the lab name its own revocation lists.
    listHosts: [...LOOPBACK, config.hostname, ...config.alternativeNames],
    ...credentialsOf(api, wanted),
  }
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** @throws ApiProblem `forbidden` for a host that is not listed: the lab never reaches out on its own. */
async function hostTarget(api: Api, host: string, wanted: VerifyInput): Promise<Target> {
  const { hostEndpoints } = await import('../../checks/verify/index.ts')
  const { targets } = api.lab.config.testing.verify
  const isListed = targets.some((one) => one.toLowerCase() === host.toLowerCase())
  // Only URLs have brackets. A connection to a host with them would ask DNS.
  if (!isListed && (host.startsWith('[') || !isLoopbackHost(host))) {
    throw new ApiProblem(
      'forbidden',
      `the lab connects only to loopback addresses and to hosts that its configuration lists; add ${host} to \`testing.verify.targets\``,
    )
  }
  const { protocols: some = protocols, port, form, serverName, requireSecureChannel = false, ca } = wanted
  if (port !== undefined && wanted.protocols?.length !== 1) {
    throw new ApiProblem('invalid', 'a port needs one protocol: add "protocols": ["smtp"]')
  }
  const implicitTls = form === undefined ? undefined : form === 'implicit'
  const endpoints = hostEndpoints({
    host,
    protocols: some,
    requireSecureChannel,
    ...omitUndefined({ port, implicitTls, serverName }),
  })
  const { credentials, ...more } = credentialsOf(api, wanted)
  return {
    endpoints,
    ...(ca === undefined ? {} : { ca: [ca] }),
    listHosts: [host, ...targets],
    ...(credentials ? { credentials } : {}),
    ...more,
  }
}

/** Returns the account for the test messages. @throws ApiProblem `invalid` without its password */
function credentialsOf(api: Api, { user, password, mailbox }: VerifyInput): Pick<Target, 'credentials' | 'mailbox'> {
  if (user === undefined) return {}
  const { directory, domain } = api.lab.config
  const account = directory.accounts.find((one) => one.user === user)
  const known = password ?? account?.password
  if (known === undefined)
    throw new ApiProblem('invalid', `the password of ${user} is not in the configuration; add "password"`)
  return {
    credentials: { user, password: known },
    mailbox: mailbox ?? account?.addresses[0] ?? (user.includes('@') ? user : `${user}@${domain}`),
  }
}

async function verifyReport(
  reports: readonly EndpointReport[],
  checks: readonly { readonly name: string; readonly title: string }[],
  { startedAt, endedAt }: { readonly startedAt: number; readonly endedAt: number },
): Promise<JobReport> {
  const { reportJson, reportLines, summarize } = await import('../../checks/verify/index.ts')
  const { ok, counts } = summarize(reports)
  return {
    outcome: { ok, counts },
    json: reportJson(reports),
    text: () =>
      [
        ...reports.flatMap((one) => reportLines(one, true)).map(({ text }) => text),
        summarize(reports).verdict,
        '',
      ].join('\n'),
    junit: async () => (await import('../../checks/verify/index.ts')).verifyJunit(reports),
    sarif: async () =>
      (await import('../../checks/verify/index.ts')).verifySarif(reports, { version, checks, startedAt, endedAt }),
  }
}
