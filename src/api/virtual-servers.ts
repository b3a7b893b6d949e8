import { z } from 'zod'
import { slug } from '../config/edit/config-path.ts'
import { virtualServerChanges } from './configuration/virtual-servers.ts'
import type { EndpointFacts } from './lab.ts'
import { defineOperation, type Operation } from './operation.ts'
import { notFound } from './problem.ts'

const virtualServer = z
  .object({
    id: z.string(),
    name: z.string(),
    protocol: z.string(),
    address: z.string(),
    port: z.number().int().nullable().describe('Null while it is closed.'),
    tlsPort: z.number().int().nullable(),
    certificate: z.object({ friendlyName: z.string(), thumbprint: z.string() }).nullable(),
    requireSecureChannel: z.boolean(),
    require128BitEncryption: z.boolean(),
    legacyTls: z.boolean(),
  })
  .meta({ id: 'VirtualServer' })

const facts = ({ virtualServer: name, port, tlsPort, certificate, ...rest }: EndpointFacts) => ({
  id: slug(name),
  name,
  ...rest,
  port: port ?? null,
  tlsPort: tlsPort ?? null,
  certificate: certificate ?? null,
})

const list = defineOperation({
  name: 'virtualServers.list',
  method: 'GET',
  path: '/virtual-servers',
  summary: 'List the virtual servers with their ports, certificate and policy.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ items: z.array(virtualServer) }),
  run: async ({ api }) => ({ items: api.lab.endpoints().map(facts) }),
})

const get = defineOperation({
  name: 'virtualServers.get',
  method: 'GET',
  path: '/virtual-servers/{id}',
  summary: 'Read one virtual server.',
  access: 'read',
  input: z.strictObject({ id: z.string() }),
  output: virtualServer,
  async run({ api, input: { id } }) {
    const all = api.lab.endpoints().map(facts)
    const found = all.find((one) => one.id === id)
    if (found) return found
    throw notFound(`there is no virtual server ${id}; there are: ${all.map((one) => one.id).join(', ')}`)
  },
})

export const virtualServerOperations: readonly Operation[] = [list, get, ...virtualServerChanges]
