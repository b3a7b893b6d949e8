import { z } from 'zod'
import { token } from './http.ts'
import { mapping } from './mapping.ts'

/** The key `access`. */
export const access = mapping(() => ({
  administrators: z
    .array(z.string().min(1))
    .default([])
    .describe('http: accounts that may do everything over HTTP. The other accounts read and change their own mail.')
    .meta({ examples: [['alice']] }),
  tokens: z
    .array(token)
    .default([])
    .describe('http: tokens of programs (`Authorization: Bearer TOKEN`): name, role, and token or tokenFile.')
    .meta({ examples: [[{ name: 'ci', role: 'administrator', tokenFile: '../ci.token' }]] }),
}))
