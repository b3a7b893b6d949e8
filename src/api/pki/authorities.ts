import { z } from 'zod'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { authorityFormats } from '../../tls/pki/authority/list.ts'
import { certificatePem } from '../../tls/pki/certificate/certificate.ts'
import { reasonNames } from '../../tls/pki/revocation/crl.ts'
import { BimiFailure } from '../../transport/mail-authentication/bimi/failure.ts'
import { checkLogo } from '../../transport/mail-authentication/bimi/logo.ts'
import type { Api } from '../api.ts'
import { flag } from '../input-types.ts'
import { Content, defineOperation, locationAt } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { authorityServiceOperations } from './authority-service.ts'
import { keySpec } from './certificates.ts'

const authority = z
  .looseObject({ name: z.string(), role: z.string(), type: z.string(), default: z.boolean(), ready: z.boolean() })
  .meta({ id: 'Authority' })

const name = z.string().describe('Name of the authority.')

const list = defineOperation('authorities.list', 'GET /authorities', {
  listKey: 'name',
  summary: 'List the certificate authorities of the lab.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ items: z.array(authority) }),
  run: async ({ api }) => ({ items: await api.lab.authorities.list() }),
})

const roots = defineOperation('authorities.roots', 'GET /authorities/roots', {
  summary: 'Download every root certificate that clients need.',
  access: 'read',
  input: z.strictObject({
    format: z
      .enum(['pem', 'p7b', 'der'])
      .default('pem')
      .describe('der holds one root, and fails if there are several.'),
  }),
  output: 'application/x-pem-file',
  otherOutputs: ['application/x-pkcs7-certificates', 'application/pkix-cert'],
  problems: ['conflict'],
  async run({ api, input: { format } }) {
    const { type, ending } = rootFiles[format]
    return new Content(type, await api.lab.authorities.export(undefined, format), {
      'Content-Disposition': `attachment; filename="lab-ca.${ending}"`,
    })
  },
})

const rootFiles = {
  pem: { type: 'application/x-pem-file', ending: 'pem' },
  p7b: { type: 'application/x-pkcs7-certificates', ending: 'p7b' },
  der: { type: 'application/pkix-cert', ending: 'cer' },
} as const

const create = defineOperation('authorities.create', 'POST /authorities', {
  summary: 'Create a root authority or, with `parent`, a subordinate of another authority of the lab.',
  access: 'administer',
  input: z.strictObject({
    name: z.string().min(1),
    parent: z.string().optional(),
    key: keySpec.optional(),
    days: z.number().int().min(1).optional(),
    makeDefault: z.boolean().optional(),
    type: z.enum(['enterprise', 'standalone']).optional(),
    force: z.boolean().optional(),
  }),
  output: authority,
  status: 201,
  location: locationAt('/authorities/{name}'),
  problems: ['not-found', 'conflict'],
  async run({ api, input }) {
    const options = omitUndefined(input)
    const { authorities } = api.lab
    await (input.parent === undefined ? authorities.createRoot(options) : authorities.createSubordinate(options))
    return authorityNamed(api, input.name)
  },
})

const get = defineOperation('authorities.get', 'GET /authorities/{name}', {
  summary: 'Read an authority of the lab.',
  access: 'read',
  input: z.strictObject({ name }),
  output: authority,
  run: ({ api, input }) => authorityNamed(api, input.name),
})

/** @throws ApiProblem `not-found` */
async function authorityNamed({ lab: { authorities } }: Api, wanted: string) {
  const found = (await authorities.list()).find((one) => one.name === wanted)
  if (found) return found
  throw notFound(`there is no authority ${wanted}; GET /api/v1/authorities lists them`)
}

const remove = defineOperation('authorities.delete', 'DELETE /authorities/{name}', {
  summary: 'Delete an authority with its key and the record of what it has issued.',
  access: 'administer',
  input: z.strictObject({ name, force: flag.default(false) }),
  problems: ['conflict'],
  async run({ api, input }) {
    await api.lab.authorities.delete(input.name, { force: input.force })
  },
})

const download = defineOperation('authorities.export', 'GET /authorities/{name}/certificate', {
  summary: 'Download the certificate of an authority, without its key.',
  access: 'read',
  input: z.strictObject({ name, format: z.enum(authorityFormats).default('pem') }),
  output: 'application/x-pem-file',
  otherOutputs: ['application/octet-stream'],
  problems: ['conflict'],
  async run({ api, input }) {
    const octets = await api.lab.authorities.export(input.name, input.format)
    const isText = input.format === 'pem' || input.format === 'chain'
    return new Content(isText ? 'application/x-pem-file' : 'application/octet-stream', octets)
  },
})

const issued = defineOperation('authorities.issued', 'GET /authorities/{name}/issued', {
  listKey: 'serial',
  summary: 'List the certificates that an authority has issued.',
  access: 'inspect',
  input: z.strictObject({ name }),
  output: z.object({ items: z.array(z.looseObject({ serial: z.string() })) }),
  run: async ({ api, input }) => ({ items: await api.lab.authorities.issued(input.name) }),
})

const revoke = defineOperation('authorities.revoke', 'POST /authorities/revoke', {
  summary: 'Revoke a certificate by serial number or thumbprint. OCSP and the revocation list report it immediately.',
  access: 'administer',
  input: z.strictObject({
    certificate: z.string().describe('Serial number or thumbprint.'),
    reason: z.enum(reasonNames as [string, ...string[]]).default('unspecified'),
  }),
  output: z.looseObject({}),
  problems: ['not-found', 'conflict'],
  async run({ api, input: { certificate, reason } }) {
    const revoked = await api.lab.authorities.revoke(certificate, reason as (typeof reasonNames)[number])
    return { ...revoked }
  },
})

const queue = defineOperation('authorities.requests', 'GET /authorities/requests', {
  listKey: 'id',
  summary: 'List the requests at standalone authorities, including approved and denied ones.',
  access: 'inspect',
  input: z.strictObject({}),
  output: z.object({ items: z.array(z.looseObject({ id: z.number(), authority: z.string() })) }),
  run: async ({ api }) => ({ items: await api.lab.authorities.requests() }),
})

const answer = defineOperation('authorities.answer', 'POST /authorities/requests/{id}', {
  summary: 'Approve or deny a request at a standalone authority.',
  access: 'administer',
  input: z.strictObject({ id: z.coerce.number().int(), decision: z.enum(['approve', 'deny']) }),
  output: z.object({ state: z.enum(['issued', 'denied']), pem: z.string().optional() }),
  problems: ['conflict'],
  async run({ api, input: { id, decision } }) {
    if (decision === 'deny') {
      await api.lab.authorities.deny(id)
      return { state: 'denied' as const }
    }
    return { state: 'issued' as const, pem: (await api.lab.authorities.approve(id)).map(certificatePem).join('') }
  },
})

const sign = defineOperation('authorities.sign', 'POST /authorities/sign', {
  summary: 'Sign a certificate request (PKCS#10) immediately.',
  access: 'administer',
  input: z.strictObject({
    authority: z.string().optional().describe('Default: the default authority.'),
    days: z.coerce.number().int().min(1).optional(),
  }),
  upload: ['application/pkcs10', 'application/x-pem-file', 'application/octet-stream'],
  output: 'application/x-pem-file',
  problems: ['not-found', 'conflict'],
  async run({ api, input, upload }) {
    if (!upload || upload.octets.length === 0)
      throw new ApiProblem('bad-request', 'the body of the request is empty; send the CSR in it')
    const options = omitUndefined(input)
    const chain = await api.lab.authorities.sign(upload.octets, options)
    return new Content('application/x-pem-file', chain.map(certificatePem).join(''))
  },
})

const mark = defineOperation('authorities.mark', 'POST /authorities/mark-certificates', {
  summary:
    'Issue a mark certificate, which proves that a domain may show a logo (BIMI). Answers the certificate and its issuers; its key is used for nothing and not kept.',
  access: 'administer',
  input: z.strictObject({
    domains: z
      .array(z.string().min(1))
      .min(1)
      .describe('Domains whose mail shows the logo, or single selectors: SELECTOR._bimi.DOMAIN.'),
    logo: z.string().min(1).describe('The logo: the text of an SVG Tiny PS document.'),
    type: z
      .enum(['verified', 'common'])
      .default('verified')
      .describe('verified: of a registered trademark (VMC). common: of a logo in use (CMC).'),
    organization: z.string().optional().describe('Default: the first domain.'),
    authority: z.string().optional().describe('Default: the default authority.'),
    days: z.number().int().min(1).optional(),
    force: z.boolean().default(false).describe('Issues the certificate even if every receiver would refuse it.'),
  }),
  output: 'application/x-pem-file',
  problems: ['not-found', 'conflict'],
  async run({ api, input: { logo: text, force, ...input } }) {
    const logo = Buffer.from(text)
    if (!force) assertLogo(logo)
    const chain = await api.lab.authorities.issueMark({ logo, force, ...omitUndefined(input) })
    return new Content('application/x-pem-file', chain.map(certificatePem).join(''))
  },
})

/** @throws ApiProblem `conflict` for a logo that receivers refuse */
function assertLogo(logo: Buffer): void {
  try {
    checkLogo(logo)
  } catch (error) {
    if (!(error instanceof BimiFailure)) throw error
    throw new ApiProblem('conflict', `${error.message}; "force": true issues the certificate anyway`)
  }
}

export const authorityOperations = [
  ...authorityServiceOperations,
  list,
  create,
  roots,
  queue,
  answer,
  revoke,
  sign,
  mark,
  download,
  issued,
  get,
  remove,
] as const
