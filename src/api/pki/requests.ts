import { z } from 'zod'
import { definedOnly } from '../../common/defined.ts'
import { flag } from '../flag.ts'
import { defineOperation, type Operation } from '../operation.ts'
import { ApiProblem } from '../problem.ts'
import { factsOf, keySpec, thumbprintOnly, virtualServer } from './certificates.ts'

const request = defineOperation({
  name: 'requests.create',
  method: 'POST',
  path: '/requests',
  summary: 'Prepare a certificate request for an outside authority. It stays pending for its virtual server.',
  access: 'administer',
  input: z.strictObject({
    for: virtualServer,
    friendlyName: z.string().optional(),
    key: keySpec.optional(),
    commonName: z.string().optional(),
    organization: z.string().optional(),
    country: z.string().optional(),
    names: z.array(z.string()).optional(),
  }),
  output: z.object({ virtualServer: z.string(), pem: z.string(), warnings: z.array(z.string()) }),
  status: 201,
  problems: ['not-found', 'conflict'],
  async run({ api, input: { commonName, organization, country, ...rest } }) {
    const subject = definedOnly({ commonName, organization, country })
    const { record, pem, warnings } = await api.lab.certificates.request({ ...definedOnly(rest), subject })
    return { virtualServer: record.virtualServer, pem, warnings }
  },
})

const pending = defineOperation({
  name: 'requests.list',
  method: 'GET',
  path: '/requests',
  summary: 'List the pending requests.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ items: z.array(z.looseObject({ virtualServer: z.string() })) }),
  run: async ({ api }) => ({ items: await api.lab.certificates.pending() }),
})

const install = defineOperation({
  name: 'requests.install',
  method: 'POST',
  path: '/requests/install',
  summary: "Install an authority's answer to a pending request, and assign the certificate.",
  access: 'administer',
  input: z.strictObject({ for: virtualServer.optional(), force: flag.default(false) }),
  upload: [
    'application/x-pem-file',
    'application/pkix-cert',
    'application/x-pkcs7-certificates',
    'application/octet-stream',
  ],
  output: thumbprintOnly.extend({ virtualServer: z.string(), warnings: z.array(z.string()) }),
  problems: ['not-found', 'conflict'],
  async run({ api, input, upload: sent }) {
    if (!sent || sent.octets.length === 0)
      throw new ApiProblem('bad-request', 'the request has no file; send the answer as its body')
    const {
      record,
      virtualServer: server,
      warnings,
    } = await api.lab.certificates.install(sent.octets, definedOnly(input))
    return { virtualServer: server, ...factsOf(record), warnings: [...warnings] }
  },
})

const cancel = defineOperation({
  name: 'requests.cancel',
  method: 'DELETE',
  path: '/requests/{for}',
  summary: 'Delete the pending request of a virtual server.',
  access: 'administer',
  input: z.strictObject({ for: virtualServer }),
  problems: ['conflict'],
  async run({ api, input }) {
    await api.lab.certificates.cancel(input.for)
  },
})

export const requestOperations: readonly Operation[] = [pending, request, install, cancel]
