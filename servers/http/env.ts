import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Tenants } from '../../src/accounts/directory/tenants.ts'
import type { Caller, Standing } from '../../src/api/caller.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import type { Connection } from '../../src/net/connection.ts'
import type { Origin } from './origin.ts'
import type { AcceptWebSocket } from './upgrade.ts'

/** The context of every handler. */
export interface Env {
  readonly Bindings: HttpBindings & {
    /** Present if the client asks for WebSocket. */
    readonly accept?: AcceptWebSocket
  }
  readonly Variables: {
    readonly connection: Connection
    readonly origin: Origin
    readonly caller: Caller
    /** Returns a check of whether the caller still has its rights, for streams and waits that outlive the check of the request. */
    readonly standing: () => Promise<Standing>
    readonly tenants: Tenants
    /** Whether the request is for the API of the tool at the root. */
    readonly isTool?: boolean
    /** The origin of a page of another site that may use the API of the tool. */
    readonly page?: string
    /** Whether the client has written `/sealpost` before the path. */
    readonly isBelowOwn?: boolean
    /** Whether the connection continues with WebSocket. */
    readonly isUpgraded?: boolean
  }
}

/** Returns the caller as the URL narrows it: below `/t/TENANT` only the tenant's data exists. @throws ApiProblem `forbidden` */
export const callerIn = (c: Context<Env>): Caller => narrowToTenant(c, c.get('caller'), c.req.param('tenant'))

/** Returns the caller as one who sees only what belongs to a tenant. @throws ApiProblem `forbidden` */
export function narrowToTenant(c: Context<Env>, caller: Caller, tenant: string | undefined): Caller {
  if (tenant === undefined || tenant === caller.tenant?.name) return caller
  if (caller.tenant === undefined && caller.role !== 'account')
    return { ...caller, tenant: c.get('tenants').scope(tenant) }
  throw new ApiProblem('forbidden', `${caller.name} is not the tenant ${tenant}`)
}
