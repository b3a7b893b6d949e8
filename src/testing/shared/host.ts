import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { LabArticle, LabMessage } from '../message.ts'
import type { Tenant } from '../tenant.ts'
import type { TestLab } from '../test-lab.ts'
import { type Request, readFrames, writeFrame } from './frames.ts'

/** How another process reaches a shared lab; plain data. */
export interface SharedLab {
  readonly port: number
  readonly token: string
  readonly domain: string
  readonly nodemailer: ReturnType<TestLab['nodemailer']>
  readonly imapflow: ReturnType<TestLab['imapflow']>
}

export interface SharedLabHost extends AsyncDisposable {
  readonly shared: SharedLab
}

type Verb = (tenant: Tenant, ...args: never[]) => Promise<unknown>

const told = ({ raw, facts }: LabMessage) => ({ raw, facts })

/** What a tenant of another process may ask. */
const verbs: Readonly<Record<string, Verb>> = {
  wait: async (tenant, ...args: Parameters<Tenant['waitForMessage']>) => told(await tenant.waitForMessage(...args)),
  receives: async (tenant, ...args: Parameters<Tenant['receives']>) => told(await tenant.receives(...args)),
  messages: async (tenant, ...args: Parameters<Tenant['messages']>) => (await tenant.messages(...args)).map(told),
  deliver: (tenant, ...args: Parameters<Tenant['deliver']>) => tenant.deliver(...args),
  createNewsgroup: (tenant, ...args: Parameters<Tenant['createNewsgroup']>) => tenant.createNewsgroup(...args),
  articles: async (tenant, ...args: Parameters<Tenant['articles']>) =>
    (await tenant.articles(...args)).map(({ number, raw }: LabArticle) => ({ number, raw })),
  clear: (tenant) => tenant.clear(),
}

/** Lets other processes of this machine, which know the token, be tenants of a lab. */
export async function hostLab(lab: TestLab): Promise<SharedLabHost> {
  const token = randomUUID()
  const tenants = new Map<string, Tenant>()
  const sockets = new Set<Socket>()
  const tenantOf = (name: string): Tenant => {
    const tenant = tenants.get(name) ?? lab.tenant(name)
    tenants.set(name, tenant)
    return tenant
  }
  const answer = async (socket: Socket, request: Request): Promise<void> => {
    const { id, tenant, method, args } = request
    if (request.token !== token) return void socket.destroy()
    try {
      const verb = verbs[method]
      if (!verb) throw new Error(`no verb ${method}`)
      writeFrame(socket, { id, value: await verb(tenantOf(tenant), ...(args as never[])) })
      if (method === 'clear') tenants.delete(tenant)
    } catch (error) {
      const { name, message } = error as Error
      writeFrame(socket, { id, error: { name, message } })
    }
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    readFrames(socket, (request) => void answer(socket, request as Request))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    shared: {
      ...{ port, token, domain: lab.domain },
      nodemailer: lab.nodemailer(),
      imapflow: lab.imapflow({ user: '', pass: '' }),
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
