import { z } from 'zod'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { keySpecNamed } from '../../tls/pki/keys.ts'
import { exportFormats } from '../../tls/pki/lifecycle/import-export.ts'
import type { InstallSummary } from '../../tls/pki/lifecycle/install.ts'
import type { Api } from '../api.ts'
import { flag } from '../input-types.ts'
import { Content, defineOperation, locationAt } from '../operation.ts'
import { ApiProblem } from '../problem.ts'
import { assertVersion, ifMatchOf, versionOf } from '../version.ts'

/** The forms that the documentation shows. Names are accepted in any case. */
const KEY_TYPE = '^(?:rsa-(?:512|1024|2048|3072|4096|8192|16384)|p256|p384|p521|ed25519|ml-dsa-(?:44|65|87))$'

export const keySpec = z
  .string()
  .transform((text, context) => {
    const found = keySpecNamed(text)
    if (found) return found
    context.addIssue('is not a key type; write rsa-2048, rsa-3072, rsa-4096, p256, p384, p521 or ed25519')
    return z.NEVER
  })
  .meta({ description: 'Key type.', pattern: KEY_TYPE })

const certificate = z
  .looseObject({
    friendlyName: z.string(),
    issuedTo: z.string(),
    issuedBy: z.string(),
    notBefore: z.string(),
    notAfter: z.string(),
    daysLeft: z.number(),
    state: z.string(),
    key: z.string(),
    thumbprint: z.string(),
    usedBy: z.array(z.string()).describe('Names of the virtual servers that use the certificate.'),
    notServed: z
      .string()
      .optional()
      .describe('Why the virtual servers that use it cannot serve it. They serve their last good one.'),
    etag: z.string().describe('Version of the name and of the use of the certificate, for `ifMatch`.'),
  })
  .meta({ id: 'Certificate' })

const name = z.string().describe('Friendly name or thumbprint.')
const ifMatch = ifMatchOf('the certificate')

interface Changing {
  readonly thumbprint: string
  readonly friendlyName: string
  readonly usedBy: readonly string[]
}

/** Returns the version of what changes about a certificate: its name, and who uses it. */
const tagOf = ({ thumbprint, friendlyName, usedBy }: Changing): string =>
  versionOf(JSON.stringify([thumbprint, friendlyName, usedBy]))

const withTag = <T extends Changing>(facts: T) => ({ ...facts, etag: tagOf(facts) })

/** Changes a certificate that is as the caller has read it. @throws ApiProblem `precondition-failed`, PkiError */
function changing<T>(
  api: Api,
  { name: wanted, ifMatch: tags }: { readonly name: string; readonly ifMatch?: string | undefined },
  change: () => Promise<T>,
): Promise<T> {
  return api.certificateChanges.run(async () => {
    if (tags !== undefined) {
      const { thumbprint, ...facts } = await api.lab.certificates.show(wanted)
      const about = { what: `the certificate ${facts.friendlyName}`, path: `/certificates/${thumbprint}` }
      assertVersion(tags, tagOf({ thumbprint, ...facts }), about)
    }
    return change()
  })
}

export const virtualServer = z.string().describe('Name of the virtual server, or its protocol if only one has it.')
export const thumbprintOnly = z.object({ friendlyName: z.string(), thumbprint: z.string() })
export const nameAndThumbprint = ({ friendlyName, thumbprint }: z.infer<typeof thumbprintOnly>) => ({
  friendlyName,
  thumbprint,
})

export const dryRun = flag.default(false).describe('Only checks the file and sums it up. Nothing changes.')

/** The answer to an installation or an import, also after a dry run. */
export const installSummary = thumbprintOnly.extend({
  virtualServer: z.string().describe('The one of the request, or the one that the certificate is imported for.'),
  subject: z.string(),
  issuer: z.string(),
  names: z.array(z.string()).describe('Names that it is issued to, such as `dns:mail.example.test`.'),
  notBefore: z.string(),
  notAfter: z.string(),
  key: z.string(),
  purposes: z.array(z.string()),
  chain: z.array(z.string()).describe('Common names of the issuers, upward.'),
  usedBy: z.array(z.string()).describe('Names of the virtual servers that serve it, or will serve it.'),
  completedTo: z
    .string()
    .optional()
    .describe('If the store had it already: the authority that its chain reaches with the issuers of the file.'),
  warnings: z.array(z.string()).describe('Problems, such as clients that will refuse the certificate.'),
})

/** Returns a summary as an answer contains it. */
export const summaryFacts = ({ issuedTo: _, issuedBy: _by, notBefore, notAfter, ...summary }: InstallSummary) => ({
  ...summary,
  notBefore: notBefore.toISOString(),
  notAfter: notAfter.toISOString(),
  names: [...summary.names],
  purposes: [...summary.purposes],
  chain: [...summary.chain],
  usedBy: [...summary.usedBy],
  warnings: [...summary.warnings],
})

/** The parts of a subject, as an input gives them. */
export const subjectFields = {
  commonName: z.string().optional().describe("Default: the lab's host name."),
  organization: z.string().optional(),
  organizationalUnit: z.string().optional(),
  country: z.string().optional().describe('Two letters (ISO 3166).'),
  state: z.string().optional(),
  locality: z.string().optional(),
}
type SubjectInput = { readonly [Field in keyof typeof subjectFields]?: string | undefined }

/** Returns an input with the parts of its subject together, and without what is undefined. */
export function splitSubject<Input extends SubjectInput>(input: Input) {
  const { commonName, organization, organizationalUnit, country, state, locality, ...rest } = input
  const subject = omitUndefined({ commonName, organization, organizationalUnit, country, state, locality })
  return { ...omitUndefined(rest), subject }
}

const list = defineOperation('certificates.list', 'GET /certificates', {
  listKey: 'thumbprint',
  summary: 'List the certificates of the store.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ items: z.array(certificate) }),
  run: async ({ api }) => ({ items: (await api.lab.certificates.list()).map(withTag) }),
})

const get = defineOperation('certificates.get', 'GET /certificates/{name}', {
  summary: 'Read all facts about a certificate, including its PEM.',
  access: 'read',
  input: z.strictObject({ name }),
  output: certificate,
  hasEtag: true,
  run: async ({ api, input }) => withTag(await api.lab.certificates.show(input.name)),
})

const issue = defineOperation('certificates.issue', 'POST /certificates', {
  summary: 'Issue a certificate from an authority of the lab, and assign it to a virtual server.',
  access: 'administer',
  input: z.strictObject({
    for: virtualServer,
    friendlyName: z.string().optional(),
    key: keySpec.optional(),
    ...subjectFields,
    names: z.array(z.string()).optional().describe('Further host names and IP addresses.'),
    days: z.number().int().min(1).optional(),
    authority: z.string().optional().describe('Default: the default authority.'),
  }),
  output: z.looseObject({ state: z.enum(['issued', 'queued']), authority: z.string() }),
  status: 201,
  location: (result) => {
    const isIssued = (result as { readonly state: string }).state === 'issued'
    return isIssued ? locationAt('/certificates/{thumbprint}')(result) : '/authorities/requests'
  },
  problems: ['not-found', 'conflict'],
  async run({ api, input }) {
    const issued = await api.lab.certificates.issue(splitSubject(input))
    const { state, authority } = issued
    return issued.state === 'issued'
      ? { state, authority, ...nameAndThumbprint(issued.record) }
      : { state, authority, id: issued.id }
  },
})

const remove = defineOperation('certificates.delete', 'DELETE /certificates/{name}', {
  summary: 'Delete a certificate and its key from the store.',
  access: 'administer',
  input: z.strictObject({ name, ifMatch }),
  problems: ['conflict', 'precondition-failed'],
  async run({ api, input }) {
    await changing(api, input, () => api.lab.certificates.delete(input.name))
  },
})

const renew = defineOperation('certificates.renew', 'POST /certificates/{name}/renew', {
  summary: 'Renew a certificate, with its key or a new one.',
  access: 'administer',
  input: z.strictObject({ name, newKey: z.boolean().default(false), ifMatch }),
  output: z.looseObject({ state: z.enum(['renewed', 'queued', 'requested']) }),
  problems: ['conflict', 'precondition-failed'],
  async run({ api, input }) {
    const { name: wanted, newKey } = input
    const renewed = await changing(api, input, () => api.lab.certificates.renew(wanted, { newKey }))
    if (renewed.state === 'renewed')
      return { state: renewed.state, replaces: renewed.replaces, ...nameAndThumbprint(renewed.record) }
    if (renewed.state === 'queued') return { state: renewed.state, authority: renewed.authority, id: renewed.id }
    return { state: renewed.state, pem: renewed.pem }
  },
})

const rename = defineOperation('certificates.rename', 'PATCH /certificates/{name}', {
  summary: 'Give a certificate another friendly name.',
  access: 'administer',
  input: z.strictObject({ name, friendlyName: z.string().min(1), ifMatch }),
  output: certificate,
  hasEtag: true,
  problems: ['conflict', 'precondition-failed'],
  run: ({ api, input }) =>
    changing(api, input, async () => {
      await api.lab.certificates.rename(input.name, input.friendlyName)
      return withTag(await api.lab.certificates.show(input.friendlyName))
    }),
})

const assign = defineOperation('certificates.assign', 'POST /certificates/{name}/assign', {
  summary: 'Assign a certificate to a virtual server, which serves it immediately.',
  access: 'administer',
  input: z.strictObject({ name, for: virtualServer, ifMatch }),
  output: thumbprintOnly.extend({ virtualServer: z.string() }),
  problems: ['conflict', 'precondition-failed'],
  async run({ api, input }) {
    const assign = () => api.lab.certificates.assign(input.name, input.for)
    const { record, virtualServer: server } = await changing(api, input, assign)
    return { virtualServer: server, ...nameAndThumbprint(record) }
  },
})

const unassign = defineOperation('certificates.unassign', 'POST /certificates/unassign', {
  summary: 'Remove the certificate from a virtual server. It stays in the store.',
  access: 'administer',
  input: z.strictObject({ for: virtualServer }),
  output: z.looseObject({ virtualServer: z.string() }),
  problems: ['not-found', 'conflict'],
  run: async ({ api, input }) => ({ ...(await api.lab.certificates.remove(input.for)) }),
})

const exportTypes = {
  pfx: 'application/x-pkcs12',
  pem: 'application/x-pem-file',
  cer: 'application/pkix-cert',
  p7b: 'application/x-pkcs7-certificates',
} as const satisfies Record<(typeof exportFormats)[number], string>

const download = defineOperation('certificates.export', 'POST /certificates/{name}/export', {
  summary: 'Download a certificate. `pfx` and `pem` include the private key; `cer` and `p7b` do not.',
  access: 'administer',
  input: z.strictObject({ name, format: z.enum(exportFormats).default('pfx'), password: z.string().optional() }),
  output: exportTypes.pfx,
  otherOutputs: [exportTypes.pem, exportTypes.cer, exportTypes.p7b],
  problems: ['conflict'],
  async run({ api, input: { name: wanted, format, password } }) {
    const octets = await api.lab.certificates.export(wanted, {
      format,
      ...(password === undefined ? {} : { password }),
    })
    return new Content(exportTypes[format], octets, {
      'Content-Disposition': `attachment; filename="certificate.${format}"`,
    })
  },
})

const upload = defineOperation('certificates.import', 'POST /certificates/import', {
  summary: 'Import a certificate with its key and chain (PKCS#12 or PEM).',
  access: 'administer',
  input: z.strictObject({
    for: virtualServer.optional(),
    friendlyName: z.string().optional(),
    password: z.string().optional(),
    force: flag.default(false),
    dryRun,
  }),
  upload: ['application/x-pkcs12', 'application/x-pem-file', 'application/octet-stream'],
  output: installSummary,
  status: 201,
  location: locationAt('/certificates/{thumbprint}'),
  problems: ['not-found', 'conflict'],
  async run({ api, input: { dryRun: isDryRun, ...options }, upload: sent }) {
    if (!sent || sent.octets.length === 0)
      throw new ApiProblem('bad-request', 'the body of the request is empty; send the file in it')
    const { certificates } = api.lab
    const planned = await certificates.planImport(sent.octets, omitUndefined(options))
    const imported = isDryRun ? planned.summary : await certificates.importPlanned(planned)
    return { ...summaryFacts(planned.summary), ...nameAndThumbprint(imported) }
  },
})

export const certificateOperations = [
  list,
  issue,
  upload,
  unassign,
  get,
  rename,
  remove,
  renew,
  assign,
  download,
] as const
