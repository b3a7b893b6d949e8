import { z } from 'zod'
import { timeText } from '../common/time-text.ts'
import { tokenLifetime } from '../config/schema/oauth2.ts'
import { signingAlgorithms } from '../oauth2/algorithms.ts'
import { tokenDefects } from '../oauth2/defects.ts'
import { defineOperation, type Operation } from './operation.ts'

const create = defineOperation({
  name: 'accessTokens.create',
  method: 'POST',
  path: '/access-tokens',
  summary: 'Issue an access token for XOAUTH2, OAUTHBEARER and this API, also one with a defect.',
  access: 'administer',
  input: z.strictObject({
    user: z.string().min(1).describe('The account, by any form of its log-on name. It need not exist.'),
    scope: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .optional()
      .describe('One or several scopes, as a list or separated by spaces. Default: those of all protocols.'),
    expiresIn: tokenLifetime
      .optional()
      .describe('Seconds, or a time such as 5m. Default: `oauth2.accessTokenLifetime` (1h).'),
    audience: z.string().min(1).optional().describe('Service that the token is for. Default: the audience of the lab.'),
    clientId: z.string().min(1).optional().describe('Client that the token is issued to. Default: sealpost.'),
    algorithm: z.enum(signingAlgorithms).optional().describe('Signature algorithm. Default: RS256.'),
    defect: z.enum(tokenDefects).optional().describe('Issues a token with this defect, which the lab refuses.'),
  }),
  output: z
    .object({
      accessToken: z.string(),
      tokenType: z.literal('Bearer'),
      user: z.string(),
      scope: z.array(z.string()),
      expiresAt: z.iso.datetime().describe("By the lab's clock, RFC 3339."),
    })
    .meta({ id: 'AccessToken' }),
  async run({ api, input: { scope, expiresIn, ...request } }) {
    const issued = await api.lab.oauth2.tokens.issue({
      ...request,
      scope: typeof scope === 'string' ? scope.split(' ') : scope,
      expiresInMs: expiresIn,
    })
    const { accessToken, user, scope: granted, expiresAt } = issued
    return { accessToken, tokenType: 'Bearer', user, scope: granted, expiresAt: timeText(expiresAt) }
  },
})

export const accessTokenOperations: readonly Operation[] = [create]
