import { z } from 'zod'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { formatGeneralName, formatName } from '../../tls/pki/certificate/names.ts'
import { flag } from '../input-types.ts'
import { Content, defineOperation, locationAt } from '../operation.ts'
import { ApiProblem } from '../problem.ts'
import {
  dryRun,
  installSummary,
  keySpec,
  nameAndThumbprint,
  splitSubject,
  subjectFields,
  summaryFacts,
  thumbprintOnly,
  virtualServer,
} from './certificates.ts'

const wanted = z.strictObject({
  for: virtualServer,
  friendlyName: z.string().optional(),
  key: keySpec.optional(),
  ...subjectFields,
  names: z.array(z.string()).optional().describe('Further host names and IP addresses.'),
})

const request = defineOperation('requests.create', 'POST /requests', {
  summary: 'Prepare a certificate request for an outside authority. It stays pending for its virtual server.',
  access: 'administer',
  input: wanted,
  output: z.object({ virtualServer: z.string(), pem: z.string(), warnings: z.array(z.string()) }),
  status: 201,
  location: locationAt('/requests/{virtualServer}'),
  problems: ['not-found', 'conflict'],
  async run({ api, input }) {
    const { record, pem, warnings } = await api.lab.certificates.request(splitSubject(input))
    return { virtualServer: record.virtualServer, pem, warnings }
  },
})

const plan = defineOperation('requests.plan', 'POST /requests/plan', {
  summary: 'Check a certificate request, and read what it would contain. Nothing changes.',
  access: 'administer',
  input: wanted,
  output: z.object({
    virtualServer: z.string(),
    friendlyName: z.string(),
    key: z.string(),
    subject: z.string(),
    names: z.array(z.string()),
    warnings: z
      .array(z.string())
      .describe('Problems that do not prevent the request, such as a common name that does not resolve.'),
  }),
  problems: ['not-found', 'conflict'],
  async run({ api, input }) {
    const planned = await api.lab.certificates.plan(splitSubject(input))
    return {
      virtualServer: planned.virtualServer.name,
      friendlyName: planned.friendlyName,
      key: planned.key,
      subject: formatName(planned.subject),
      names: planned.names.map(formatGeneralName),
      warnings: [...planned.warnings],
    }
  },
})

const get = defineOperation('requests.get', 'GET /requests/{for}', {
  summary: 'Download the pending request of a virtual server in PEM, to send it to an authority.',
  access: 'inspect',
  input: z.strictObject({ for: virtualServer }),
  output: 'application/x-pem-file',
  run: async ({ api, input }) =>
    new Content('application/x-pem-file', await api.lab.certificates.pendingPem(input.for), {
      'Content-Disposition': 'attachment; filename="certreq.txt"',
    }),
})

const collect = defineOperation('requests.collect', 'POST /requests/{for}/collect', {
  summary: 'Install the certificate that a standalone authority of the lab has approved, and assign it.',
  access: 'administer',
  input: z.strictObject({ for: virtualServer }),
  output: z.object({
    state: z.enum(['installed', 'pending', 'denied']),
    virtualServer: z.string(),
    certificate: thumbprintOnly.nullable().describe('Null until it is installed.'),
  }),
  problems: ['conflict'],
  async run({ api, input }) {
    const [outcome] = await api.lab.certificates.installApproved(input.for)
    if (!outcome) throw new ApiProblem('not-found', `"${input.for}" has no request in the queue of an authority`)
    const certificate = outcome.state === 'installed' ? nameAndThumbprint(outcome.record) : null
    return { state: outcome.state, virtualServer: outcome.request.virtualServer, certificate }
  },
})

const pending = defineOperation('requests.list', 'GET /requests', {
  listKey: 'id',
  summary: 'List the pending requests.',
  access: 'inspect',
  input: z.strictObject({}),
  output: z.object({ items: z.array(z.looseObject({ virtualServer: z.string() })) }),
  run: async ({ api }) => ({ items: await api.lab.certificates.pending() }),
})

const install = defineOperation('requests.install', 'POST /requests/install', {
  summary: "Install an authority's answer to a pending request, and assign the certificate.",
  access: 'administer',
  input: z.strictObject({ for: virtualServer.optional(), force: flag.default(false), dryRun }),
  upload: [
    'application/x-pem-file',
    'application/pkix-cert',
    'application/x-pkcs7-certificates',
    'application/octet-stream',
  ],
  output: installSummary,
  problems: ['not-found', 'conflict'],
  async run({ api, input: { dryRun: isDryRun, ...options }, upload: sent }) {
    if (!sent || sent.octets.length === 0)
      throw new ApiProblem('bad-request', 'the body of the request is empty; send the issued certificate in it')
    const { certificates } = api.lab
    const planned = await certificates.inspect(sent.octets, omitUndefined(options))
    const installed = isDryRun ? planned.summary : await certificates.installPlanned(planned)
    return { ...summaryFacts(planned.summary), ...nameAndThumbprint(installed) }
  },
})

const cancel = defineOperation('requests.cancel', 'DELETE /requests/{for}', {
  summary: 'Delete the pending request of a virtual server.',
  access: 'administer',
  input: z.strictObject({ for: virtualServer }),
  problems: ['conflict'],
  async run({ api, input }) {
    await api.lab.certificates.cancel(input.for)
  },
})

export const requestOperations = [pending, request, plan, install, get, collect, cancel] as const
