import { z } from 'zod'
import { timeText } from '../../core/time/time-text.ts'
import type { AcmeDirectories } from '../../tls/pki/acme/directory.ts'
import { servicePaths } from '../../tls/pki/authority/issue.ts'
import { findAuthority } from '../../tls/pki/certificate-store/index-file.ts'
import type { AuthorityService } from '../../tls/pki/service/service.ts'
import type { Api } from '../api.ts'
import { seesLab } from '../caller.ts'
import { defineOperation } from '../operation.ts'

const name = z.string().describe('Name of the authority.')
const time = z.iso.datetime()

const acme = z.object({
  directory: z.string().describe('URL for ACME clients. Over HTTPS if the service has a TLS port.'),
  httpPort: z.number().int().describe('Where clients answer http-01.'),
  tlsAlpnPort: z.number().int().describe('Where clients answer tls-alpn-01.'),
  hasDns: z.boolean().describe('Whether dns-01 is offered, which wildcards need.'),
  needsExternalAccount: z.boolean(),
})

const crl = z.object({
  url: z.string(),
  number: z.number().int(),
  thisUpdate: time,
  nextUpdate: time,
  revoked: z.number().int().describe('Number of certificates that it lists.'),
})

const ocspAnswer = z.object({
  at: time,
  serial: z.string(),
  subject: z.string().nullable().describe('Null: the authority has not issued such a certificate.'),
  status: z.enum(['good', 'revoked', 'unknown']),
  client: z.string().describe('Address of the client.'),
})

const service = defineOperation('authorities.service', 'GET /authorities/{name}/service', {
  summary: 'Read where an authority publishes revocation lists, OCSP and ACME, and what clients get of them now.',
  access: 'read',
  input: z.strictObject({ name }),
  output: z.object({
    url: z
      .string()
      .nullable()
      .describe('Address of the service; null if the configuration has no `certificates.service`.'),
    roots: z.string().nullable().describe('Where clients fetch the roots.'),
    acme: acme.nullable().describe('Null if ACME is off.'),
    crls: z.array(crl).describe('One list for each key of the authority, that of the present key first.'),
    ocsp: z
      .object({
        url: z.string(),
        answers: z.array(ocspAnswer).describe('The latest 100, the newest first. Empty for tenants and accounts.'),
      })
      .nullable(),
  }),
  async run({ api, caller, input }) {
    const found = api.lab.pki.service
    // Throws if there is no such authority.
    const { certificate } = findAuthority(api.lab.certificateStore.index, input.name)
    if (!found || certificate === undefined) return { url: null, roots: null, acme: null, crls: [], ocsp: null }
    const { http } = found
    const { activity } = http
    const base = http.url.replace(/\/$/, '')
    return {
      url: http.url,
      roots: `${base}/root.pem`,
      acme: found.acme ? acmeFacts(api, http, found.acme, input.name) : null,
      crls: (await activity.crls(input.name)).map(({ path, number, nextUpdateMs, revoked }) => ({
        url: base + path,
        number,
        thisUpdate: timeText(number),
        nextUpdate: timeText(nextUpdateMs),
        revoked,
      })),
      ocsp: {
        url: base + servicePaths(input.name, 1).ocsp,
        answers: seesLab(caller)
          ? activity.ocspAnswers(input.name).map((one) => ({ ...one, subject: one.subject ?? null }))
          : [],
      },
    }
  },
})

function acmeFacts({ lab }: Api, { url, tlsPort }: AuthorityService, directories: AcmeDirectories, authority: string) {
  const { hostname, certificates } = lab.config
  const { httpPort = 80, tlsAlpnPort = 443, dns, externalAccounts = {} } = certificates.service?.acme ?? {}
  const base = tlsPort === undefined ? url.replace(/\/$/, '') : `https://${hostname}:${tlsPort}`
  return {
    directory: base + directories.path(authority),
    httpPort,
    tlsAlpnPort,
    hasDns: dns !== undefined,
    needsExternalAccount: Object.keys(externalAccounts).length > 0,
  }
}

const orders = defineOperation('authorities.orders', 'GET /authorities/{name}/orders', {
  listKey: 'id',
  summary: 'List the ACME orders at an authority, the newest first.',
  access: 'inspect',
  input: z.strictObject({ name }),
  output: z.object({
    items: z.array(
      z.object({
        id: z.string(),
        status: z.enum(['pending', 'ready', 'processing', 'valid', 'invalid']),
        names: z.array(z.string()),
        account: z.string().describe('Contact of the account, or its id.'),
        expires: time,
        profile: z.string().optional(),
        serial: z.string().optional().describe('Serial number of the certificate that was issued.'),
        request: z.number().int().optional().describe('The request that waits at a standalone authority.'),
        error: z.string().optional(),
        challenges: z
          .array(z.object({ name: z.string(), type: z.string(), status: z.string() }))
          .describe('The challenges that the client has chosen.'),
      }),
    ),
  }),
  async run({ api, input }) {
    const { name: authority } = findAuthority(api.lab.certificateStore.index, input.name)
    return { items: (await api.lab.pki.service?.acme?.orders(authority)) ?? [] }
  },
})

export const authorityServiceOperations = [service, orders] as const
