import type { Hono } from 'hono'
import { ApiProblem } from '../../src/api/problem.ts'
import { POLICY_PATH, policyHost, servedPolicy } from '../../src/transport/mta-sts/served.ts'
import type { ServerContext } from '../service.ts'
import type { Env } from './env.ts'

/** Returns whether a path is the one at which mail servers look for the MTA-STS policy. They have no credentials. */
export const isPolicyPath = (path: string): boolean => path === POLICY_PATH

/** Returns the host name at which they look. */
export const policyNames = ({ directory: { domain }, mtaSts }: ServerContext): string[] =>
  mtaSts === undefined ? [] : [policyHost(domain)]

/** Adds the policy of the lab's domain. RFC 8461 section 3.3. */
export function mtaStsRoutes(app: Hono<Env>, context: ServerContext): void {
  app.get(POLICY_PATH, (c, next) => {
    const { mtaSts } = context.latest()
    if (mtaSts === undefined) return next()
    if (!c.get('origin').channel.secure) {
      throw new ApiProblem('secure-channel-required', 'mail servers fetch the MTA-STS policy by https only')
    }
    const { status, headers, body } = servedPolicy(mtaSts.policy, mtaSts.defect)
    return c.body(body, status, { ...headers })
  })
}
