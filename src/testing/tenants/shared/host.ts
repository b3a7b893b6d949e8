import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LabArticle, LabMessage } from '../../received/message.ts'
import type { TestLab } from '../../test-lab.ts'
import type { Tenant } from '../tenant.ts'
import { decode, encode, methods, type Request, type SharedLab } from './calls.ts'

/** A lab that is served to other processes until it is disposed. */
interface SharedLabHost extends AsyncDisposable {
  readonly shared: SharedLab
}

const TOKEN_OCTETS = 32

/** Serves a lab over HTTP to tenants in other processes on this machine, which must send the token. */
export async function hostLab(lab: TestLab): Promise<SharedLabHost> {
  const token = randomBytes(TOKEN_OCTETS).toString('hex')
  const tenants = new Map<string, Tenant>()
  const answer = async ({ tenant: name, method, args }: Request): Promise<Buffer> => {
    try {
      if (!methods.includes(method)) throw new Error(`unknown method ${method}`)
      const tenant = tenants.get(name) ?? lab.tenant(name)
      tenants.set(name, tenant)
      const value = method === 'join' ? undefined : await callMethod(tenant, method, args)
      if (method === 'clear') tenants.delete(name)
      return encode({ value })
    } catch (error) {
      const { name: kind, message } = error as Error
      return encode({ error: { name: kind, message } })
    }
  }
  const server = createServer((request, response) => {
    // Everybody on the machine can connect, so the body is read only after the token.
    if (!hasToken(request, token)) return void response.writeHead(401, { connection: 'close' }).end()
    decode(request)
      .then((call) => answer(call as Request))
      .then(
        (result) => response.end(result),
        () => response.destroy(),
      )
  })
  // Calls may be far apart.
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    shared: {
      port,
      token,
      domain: lab.domain,
      nodemailer: lab.nodemailer(),
      imapflow: lab.imapflow({ user: '', pass: '' }),
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function hasToken({ headers }: IncomingMessage, token: string): boolean {
  const [sent, wanted] = [headers.authorization ?? '', `Bearer ${token}`].map((text) => Buffer.from(text))
  return sent !== undefined && wanted !== undefined && sent.length === wanted.length && timingSafeEqual(sent, wanted)
}

/** Calls a method of a tenant. Messages and articles become data. */
async function callMethod(
  tenant: Tenant,
  method: Exclude<Request['method'], 'join'>,
  args: readonly unknown[],
): Promise<unknown> {
  if (method === 'unsubscribe') {
    const [wanted] = args as [Uint8Array]
    const [message] = await tenant.messages({ matches: ({ raw }) => raw.equals(wanted) })
    if (!message) throw new Error('the message was deleted')
    return message.unsubscribe()
  }
  const value: unknown = await tenant[method](...(args as [never, never, never]))
  return Array.isArray(value) ? value.map(dataOf) : dataOf(value)
}

/** Not `instanceof`: compiled code can hold these classes twice. */
function dataOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('facts' in value) return { raw: (value as LabMessage).raw, facts: value.facts }
  return 'number' in value ? { number: value.number, raw: (value as LabArticle).raw } : value
}
