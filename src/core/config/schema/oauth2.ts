import { z } from 'zod'
import { mapping } from './mapping.ts'
import type { ServerProtocol } from './protocol.ts'
import { DURATION, duration, secretFile } from './values.ts'

/** A URL without query and fragment. RFC 8414 section 2. */
const issuerUrl = z.url({ protocol: /^https?$/, error: 'write a URL such as https://login.example.test' })

/** One or several scopes, of which a token needs one. RFC 6749 section 3.3. */
const scopes = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)], 'write a scope, or a list of scopes')
  .transform((value) => (typeof value === 'string' ? [value] : value))

const scopeFor = (what: string, example: string) =>
  scopes
    .optional()
    .describe(`Scope for ${what}.`)
    .meta({ examples: [example] })

const protocolScopes = mapping(
  () =>
    ({
      smtp: scopeFor('SMTP', 'mail.send'),
      pop3: scopeFor('POP3', 'mail.read'),
      imap4: scopeFor('IMAP4', 'mail.read'),
      nntp: scopeFor('NNTP', 'news'),
      lmtp: scopeFor('LMTP', 'mail.send'),
      managesieve: scopeFor('ManageSieve', 'mail.read'),
      http: scopeFor('the HTTP API', 'api'),
    }) satisfies Record<ServerProtocol, z.ZodType>,
)

const externalIssuer = mapping(() => ({
  issuer: issuerUrl
    .describe('The issuer, exactly as in the claim `iss` of its tokens.')
    .meta({ examples: ['https://login.example.test'] }),
  jwksUri: z
    .url({ protocol: /^https?$/, error: 'write a URL such as https://login.example.test/jwks' })
    .describe('Where the keys of the issuer are (JWK Set). The lab requests them when a token of the issuer arrives.')
    .meta({ examples: ['https://login.example.test/jwks'] }),
  audience: z
    .string()
    .min(1)
    .optional()
    .describe('The audience that its tokens must have (`aud`). Default: the `audience` of the lab.')
    .meta({ examples: ['https://mail.example.test'] }),
  userClaim: z
    .string()
    .min(1)
    .default('sub')
    .describe('The claim that names the account, by user name or by address: sub, email, upn, preferred_username.'),
  requireScope: z.boolean().default(true).describe('Whether its tokens need the scope of the protocol.'),
}))

/** RFC 6749 section 3.1.2. */
const redirectUri = z
  .string()
  .refine(
    (uri) => URL.canParse(uri) && !uri.includes('#') && !/^(?:javascript|vbscript|data|blob|file|about):/i.test(uri),
    'write a URI without a fragment, such as http://127.0.0.1/callback',
  )

const client = mapping(() => ({
  clientId: z
    .string()
    .regex(/^[\x20-\x7e]+$/, 'write it in ASCII') // RFC 6749 appendix A.1
    .describe('Identifier of the client.')
    .meta({ examples: ['my-mail-client'] }),
  clientSecret: z
    .string()
    .regex(/^[\x20-\x7e]+$/, 'write it in ASCII') // RFC 6749 appendix A.2
    .optional()
    .describe('Secret of the client. Default: no secret, which makes it a public client.')
    .meta({ examples: ['change-me'], writeOnly: true }),
  clientSecretFile: secretFile('client secret', '../client.secret'),
  redirectUris: z
    .array(redirectUri)
    .default([])
    .describe(
      'Addresses to which the log-on page may send people back. http addresses of their own machine match with any port. Default: every http address of their own machine.',
    )
    .meta({ examples: [['http://127.0.0.1/callback']] }),
  user: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The account for which the client gets tokens with its own secret (client_credentials). Default: such requests are refused.',
    )
    .meta({ examples: ['alice'] }),
}))

/** How long a token is valid: a number of seconds, as `expires_in` of OAuth (RFC 6749 section 5.1), or a time. Returns milliseconds. */
export const tokenLifetime = z
  .union(
    [z.number().int().positive(), z.string().regex(DURATION)],
    'write a number of seconds, or a time such as 30s, 10m or 1h',
  )
  .transform((value): string | number => (typeof value === 'number' ? `${value}s` : value))
  .pipe(duration)
  .refine((ms) => ms >= 1000, 'write at least 1s')
  // Times after the year 9999 have no form in JSON. RFC 3339 section 1
  .refine((ms) => ms <= 36_500 * 86_400_000, 'write at most 36500d')

/** Forms of the error response to a refused token. */
export const errorForms = ['rfc', 'google', 'microsoft'] as const

/** Access tokens: who issues them, what they say, and which are accepted. */
export const oauth2 = mapping(() => ({
  issuer: issuerUrl
    .optional()
    .describe(
      'The issuer of the lab’s tokens. Default: the URL of the first HTTP virtual server, https if it has a TLS port. Without an HTTP virtual server: https:// and `hostname`.',
    )
    .meta({ examples: ['https://lab.example.test:8443'] }),
  audience: z
    .string()
    .min(1)
    .optional()
    .describe('The audience of the lab’s tokens (`aud`). Default: https:// and `hostname`.')
    .meta({ examples: ['https://mail.example.test'] }),
  accessTokenLifetime: duration.prefault('1h').describe('How long access tokens are valid.'),
  refreshTokenLifetime: duration.prefault('14d').describe('How long refresh tokens are valid.'),
  scopes: protocolScopes
    .optional()
    .describe(
      'The scopes that the protocols ask for. A token needs one scope of a list. Default: those of `errorForm`. rfc: the names of the protocols. google: https://mail.google.com/. microsoft: https://outlook.office.com/IMAP.AccessAsUser.All, POP.AccessAsUser.All, SMTP.Send.',
    )
    .meta({ examples: [{ smtp: 'mail.send', imap4: ['mail.read', 'mail.full'] }] }),
  errorForm: z
    .enum(errorForms)
    .default('rfc')
    .describe(
      'How XOAUTH2 and OAUTHBEARER refuse a token. rfc: JSON with status, scope and openid-configuration (RFC 7628). google: the JSON of Gmail. microsoft: no JSON; the server refuses immediately, as Exchange Online does.',
    ),
  mailClients: z
    .boolean()
    .default(false)
    .describe(
      'Whether mail programs that know only an address can find the lab, register and log on, by two Internet-Drafts: draft-ietf-mailmaint-oauth-public-02 (August 2025) and draft-ietf-mailmaint-pacc-02 (February 2026). See docs/oauth2-server.md.',
    ),
  issuers: z
    .array(externalIssuer)
    .default([])
    .describe('Other issuers. The lab accepts their tokens.')
    .meta({ examples: [[{ issuer: 'https://login.example.test', jwksUri: 'https://login.example.test/jwks' }]] }),
  clients: z
    .array(client)
    .default([])
    .describe(
      'http: clients of the lab’s authorization server. There is always a public client `sealpost`, unless a client in this list has that name.',
    )
    .meta({ examples: [[{ clientId: 'my-mail-client', redirectUris: ['http://127.0.0.1/callback'] }]] }),
}))
export type OAuth2Config = z.output<typeof oauth2>
export type ExternalIssuerConfig = OAuth2Config['issuers'][number]
export type OAuth2ClientConfig = OAuth2Config['clients'][number]
export type ErrorForm = OAuth2Config['errorForm']
