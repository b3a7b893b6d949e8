import { z } from 'zod'
import type { PortVerdict, VerifyOptions } from '../../checks/verify/index.ts'
import { slug } from '../../core/config/edit/config-path.ts'
import { reachableAddress } from '../../core/network/ip-address.ts'
import { systemClock } from '../../core/time/clock.ts'
import { systemRoots } from '../../tls/pki/system-roots.ts'
import type { Api } from '../api.ts'
import { defineOperation } from '../operation.ts'
import { notFound } from '../problem.ts'

const TIMEOUT_MS = 10_000

const verdict = z.object({
  accepts: z.boolean(),
  code: z.number().int().describe('Of OpenSSL: `Verify return code: 19`. 1 if it has no number here.'),
  message: z.string().describe('The text of OpenSSL.'),
  clients: z.array(
    z.object({
      client: z.string(),
      accepts: z.boolean(),
      says: z.string().describe('Its message. Empty if it accepts the certificate.'),
    }),
  ),
})

const port = z.object({
  port: z.number().int(),
  implicitTls: z.boolean().describe('Whether TLS begins with the connection; otherwise by STARTTLS.'),
  agreed: z
    .object({
      version: z.string(),
      cipher: z.string(),
      bits: z.number().int().optional(),
      keyExchange: z.string().optional(),
    })
    .nullable()
    .describe('Null if clients that trust the lab refuse the certificate.'),
  sends: z.array(z.string()).describe('The certificates that the virtual server sends.'),
  trusting: verdict.describe('Clients that trust the roots of the lab.'),
  others: verdict.describe('Clients that trust only the roots of the system.'),
})

const verdicts = defineOperation('virtualServers.verdicts', 'GET /virtual-servers/{id}/verdicts', {
  summary: 'Do TLS handshakes with a virtual server, and say what OpenSSL and usual clients say of its certificate.',
  access: 'administer',
  input: z.strictObject({
    id: z.string().describe('Id of the virtual server.'),
    serverName: z.string().min(1).optional().describe('The name that clients connect to. Default: the host name.'),
  }),
  output: z.object({
    serverName: z.string(),
    ports: z.array(port),
    failed: z
      .array(z.object({ port: z.number().int(), why: z.string() }))
      .describe('Ports where the handshake fails, whatever clients trust; for example because a version is missing.'),
  }),
  async run({ api, input }) {
    const { config } = api.lab
    const server = config.virtualServers.find(({ name }) => slug(name) === input.id)
    const open = api.lab.endpoints().find(({ virtualServer }) => virtualServer === server?.name)
    if (!server || !open) {
      const ids = config.virtualServers.map(({ name }) => slug(name)).join(', ')
      throw notFound(`there is no virtual server ${input.id}; there are: ${ids}`)
    }
    const { endpointsOf, portVerdict } = await import('../../checks/verify/index.ts')
    const serverName = input.serverName ?? config.hostname
    const system = systemRoots()
    const ports: (PortVerdict & { readonly port: number; readonly implicitTls: boolean })[] = []
    const failed: { readonly port: number; readonly why: string }[] = []
    const answer = { serverName, ports, failed }
    if (!open.certificate) return answer
    for (const endpoint of endpointsOf(server, open, reachableAddress(server.address), serverName)) {
      if (server.protocol === 'http' && !endpoint.implicitTls) continue
      const { port: number, implicitTls } = endpoint
      try {
        const found = await portVerdict(endpoint, optionsOf(api), [...system, api.lab.certificateStore.rootPem], system)
        ports.push({ port: number, implicitTls, ...found })
      } catch (error) {
        failed.push({ port: number, why: (error as Error).message })
      }
    }
    return answer
  },
})

/** The connections of these checks are not recorded as sessions of clients. */
const optionsOf = ({ lab }: Api): VerifyOptions => ({
  timeoutMs: TIMEOUT_MS,
  now: systemClock.now,
  onConnection: ({ localAddress, localPort, remotePort }) =>
    lab.sessionLog.forget({ remoteAddress: localAddress, remotePort: localPort, localPort: remotePort }),
})

export const verdictOperations = [verdicts] as const
