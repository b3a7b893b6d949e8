import { z } from 'zod'
import type { MessageAuthentication } from '../../mail/format/authentication-results.ts'
import { withoutChecks } from '../../transport/mail-authentication/check.ts'
import type { Api } from '../api.ts'
import type { IndexedMessage } from './message-index.ts'

const results = [
  'none',
  'pass',
  'fail',
  'softfail',
  'policy',
  'neutral',
  'temperror',
  'permerror',
  'skipped',
  'declined',
] as const satisfies readonly MessageAuthentication['spf']['result'][]
const policies = ['none', 'quarantine', 'reject'] as const

const verdict = { result: z.enum(results), reason: z.string().optional().describe('Why, in plain words.') }
const record = z.string().optional().describe('The record in DNS.')

/** How the sender of a message was authenticated: the results of RFC 8601. */
export const messageAuthentication = z
  .object({
    spf: z.object({
      ...verdict,
      domain: z.string(),
      identity: z.enum(['mailfrom', 'helo']),
      clientAddress: z.string().optional(),
      helo: z.string().optional(),
      record,
    }),
    dkim: z
      .array(
        z.object({
          ...verdict,
          domain: z.string(),
          selector: z.string(),
          algorithm: z.string(),
          aligned: z.boolean().describe('Whether the domain belongs to that of the From field.'),
          signature: z.string().optional().describe('Start of the signature.'),
          keyBits: z.number().int().optional(),
          record,
        }),
      )
      .describe('One for each signature.'),
    dmarc: z.object({
      ...verdict,
      domain: z.string(),
      policy: z.enum(policies).optional(),
      disposition: z.enum(policies).optional().describe('What the policy asks for, after `pct`.'),
      percent: z.number().int().optional(),
      spfAligned: z.boolean(),
      dkimAligned: z.boolean(),
      record,
      policyDomain: z.string().optional().describe('The domain that has the record.'),
    }),
    arc: z.object({ ...verdict, instance: z.number().int().optional(), domain: z.string().optional() }),
    bimi: z.object({
      ...verdict,
      domain: z.string().optional(),
      selector: z.string().optional(),
      location: z.string().optional().describe('URL of the logo.'),
      authority: z.string().optional().describe('URL of the mark certificate.'),
      preference: z.enum(['brand', 'personal']).optional(),
      evidence: z
        .enum(['pass', 'fail', 'none'])
        .optional()
        .describe('Result of the mark certificate. Only with `mail.authentication.bimi`.'),
      markType: z.string().optional().describe('Type of the mark, such as `Registered Mark`.'),
      indicator: z.string().optional().describe('The logo, if it passes: SVG in base64.'),
      indicatorHash: z.string().optional().describe('SHA-256 of the logo in hexadecimal.'),
    }),
  })
  .meta({ id: 'MessageAuthentication' })

/** Returns the results of a message: of its arrival, or new ones. Returns null if it was not delivered, or checks are off. */
export async function authenticationOf(
  { lab }: Api,
  { folder, entry }: IndexedMessage,
): Promise<MessageAuthentication | null> {
  const { envelope } = entry
  if (!envelope) return null
  if (envelope.authentication) return envelope.authentication
  const { client, mailFrom = '' } = envelope
  try {
    const octets = () => lab.store.stream(folder.id, entry.uid)
    return (await lab.mailAuthentication.check(octets, { mailFrom, client })) ?? null
  } catch (error) {
    lab.logError(error, 'the sender of a message could not be authenticated')
    return withoutChecks({ mailFrom, client }, 'temperror', 'internal error')
  }
}
