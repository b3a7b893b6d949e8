import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { slug } from '../core/config/edit/config-path.ts'
import type { Api } from './api.ts'
import { virtualServerChanges } from './configuration/virtual-servers.ts'
import type { EndpointFacts } from './lab.ts'
import type { Tally } from './metrics/traffic.ts'
import { defineOperation } from './operation.ts'
import { notFound } from './problem.ts'

const virtualServer = z
  .object({
    id: z.string(),
    name: z.string(),
    protocol: z.string(),
    address: z.string(),
    port: z.number().int().nullable().describe('Null while the port is closed.'),
    tlsPort: z.number().int().nullable(),
    reachable: z.boolean().describe('False while a test of an outage keeps clients away.'),
    certificate: z
      .object({ friendlyName: z.string(), thumbprint: z.string(), expiresAt: z.iso.datetime().optional() })
      .nullable(),
    requireSecureChannel: z.boolean(),
    require128BitEncryption: z.boolean(),
    legacyTls: z.boolean(),
    proxies: z.array(z.string()).describe('Addresses whose connections begin with a PROXY header.'),
    traffic: z
      .object({
        connections: z.number().int(),
        openConnections: z.number().int(),
        refusedSessions: z.number().int(),
        failedHandshakes: z.number().int(),
        handshakes: z.record(z.string(), z.number().int()).describe('Completed handshakes by TLS version.'),
      })
      .nullable()
      .describe('Counts since the start of the lab; null if the lab has no HTTP virtual server.'),
  })
  .meta({ id: 'VirtualServer' })

const factsOf = (api: Api) => {
  const served = api.lab.servedCertificates.list()
  return api.lab.endpoints().map((endpoint: EndpointFacts) => {
    const { virtualServer: name, port, tlsPort, certificate } = endpoint
    const pem = served.find((one) => one.virtualServer === name && one.thumbprint === certificate?.thumbprint)
    return {
      id: slug(name),
      name,
      protocol: endpoint.protocol,
      address: endpoint.address,
      reachable: endpoint.reachable,
      requireSecureChannel: endpoint.requireSecureChannel,
      require128BitEncryption: endpoint.require128BitEncryption,
      legacyTls: endpoint.legacyTls,
      proxies: [...endpoint.proxies],
      port: port ?? null,
      tlsPort: tlsPort ?? null,
      certificate: certificate ? { ...certificate, ...(pem && { expiresAt: expiryOf(pem.certificatePem) }) } : null,
      traffic: trafficOf(api, name),
    }
  })
}

const expiryOf = (pem: string): string => new Date(new X509Certificate(pem).validTo).toISOString()

function trafficOf({ lab }: Api, name: string) {
  const { traffic } = lab.metrics
  if (!traffic) return null
  const of = (tally: Tally) => tally.samples.filter(({ labels }) => labels.virtual_server === name)
  const sum = (samples: readonly { readonly value: number }[]): number =>
    samples.reduce((total, { value }) => total + value, 0)
  const handshakes: Record<string, number> = {}
  for (const { labels, value } of of(traffic.handshakes)) {
    if (labels.outcome !== 'completed') continue
    const version = String(labels.version)
    handshakes[version] = (handshakes[version] ?? 0) + value
  }
  return {
    connections: sum(of(traffic.connections)),
    openConnections: sum(of(traffic.openConnections)),
    refusedSessions: sum(of(traffic.refused)),
    failedHandshakes: sum(of(traffic.handshakes).filter(({ labels }) => labels.outcome === 'failed')),
    handshakes,
  }
}

const list = defineOperation('virtualServers.list', 'GET /virtual-servers', {
  listKey: 'id',
  summary: 'List the virtual servers with their ports, certificate and policy.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ items: z.array(virtualServer) }),
  run: async ({ api }) => ({ items: factsOf(api) }),
})

const get = defineOperation('virtualServers.get', 'GET /virtual-servers/{id}', {
  summary: 'Read one virtual server.',
  access: 'read',
  input: z.strictObject({
    id: z.string().describe('Its id or its name, or a protocol for the first virtual server that speaks it.'),
  }),
  output: virtualServer,
  async run({ api, input: { id } }) {
    const all = factsOf(api)
    const found = all.find((one) => one.id === id || one.name === id) ?? all.find(({ protocol }) => protocol === id)
    if (found) return found
    const known = all.map((one) => `${one.protocol} (${one.name})`)
    throw notFound(`there is no virtual server ${id}; there are: ${known.join(', ')}`)
  },
})

export const virtualServerOperations = [list, get, ...virtualServerChanges] as const
