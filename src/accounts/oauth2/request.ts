import { z } from 'zod'
import { tokenLifetime } from '../../core/config/schema/oauth2.ts'
import { tokenDefects } from './defects.ts'
import { signingAlgorithms } from './types.ts'

/** A request for an access token, in the API and in tests. */
export const tokenRequest = z.strictObject({
  user: z.string().min(1).describe('The account, by any form of its log-on name. It need not exist.'),
  scope: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .transform((value) => (typeof value === 'string' ? value.split(' ') : value)) // RFC 6749 section 3.3
    .optional()
    .describe('One or several scopes, as a list or separated by spaces. Default: the scopes of all protocols.'),
  expiresIn: tokenLifetime
    .optional()
    .describe('Seconds, or a time such as 5m. Default: `oauth2.accessTokenLifetime` (1h).'),
  audience: z.string().min(1).optional().describe('Default: the audience of the lab.'),
  clientId: z.string().min(1).optional().describe('Default: sealpost.'),
  algorithm: z.enum(signingAlgorithms).optional().describe('Default: RS256.'),
  defect: z.enum(tokenDefects).optional().describe('Deliberate defect of the token.'),
})
