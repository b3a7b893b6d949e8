import { z } from 'zod'
import { tokenRequest } from '../accounts/oauth2/request.ts'
import { timeText } from '../core/time/time-text.ts'
import { defineOperation } from './operation.ts'

const create = defineOperation('accessTokens.create', 'POST /access-tokens', {
  summary: 'Issue an access token for XOAUTH2, OAUTHBEARER and this API, also one with a defect.',
  access: 'administer',
  input: tokenRequest,
  output: z
    .object({
      accessToken: z.string(),
      tokenType: z.literal('Bearer'),
      user: z.string(),
      scope: z.array(z.string()),
      expiresAt: z.iso.datetime().describe("By the lab's clock, RFC 3339."),
    })
    .meta({ id: 'AccessToken' }),
  async run({ api, input: { expiresIn, ...request } }) {
    const issued = await api.lab.oauth2.tokens.issue({ ...request, expiresInMs: expiresIn })
    const { accessToken, user, scope, expiresAt } = issued
    return { accessToken, tokenType: 'Bearer', user, scope, expiresAt: timeText(expiresAt) }
  },
})

export const accessTokenOperations = [create] as const
