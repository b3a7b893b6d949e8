import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { ServerIdentity } from '../../../checks/verify/authority.ts'

/** A message that a host got. */
interface ReceivedMail {
  readonly from: string
  /** With the parameters of RCPT. */
  readonly to: readonly { readonly address: string; readonly args: unknown }[]
  /** Parameters of MAIL. */
  readonly args: unknown
  readonly user: string | undefined
  readonly raw: string
  readonly isSecure: boolean
}

export interface Host extends AsyncDisposable {
  readonly port: number
  /** Tests may empty it. */
  readonly received: ReceivedMail[]
}

/** Starts npm's smtp-server as a next host. */
export async function startHost(
  options: Partial<SMTPServerOptions> = {},
  identity?: Pick<ServerIdentity, 'key' | 'cert'>,
): Promise<Host> {
  const received: ReceivedMail[] = []
  const server = new SMTPServer({
    logger: false,
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    ...(identity ?? { hideSTARTTLS: true }),
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        received.push({
          from: mailFrom === false ? '' : mailFrom.address,
          args: mailFrom === false ? {} : mailFrom.args,
          to: rcptTo.map(({ address, args }) => ({ address, args })),
          user: session.user === undefined ? undefined : String(session.user),
          raw: Buffer.concat(chunks).toString('latin1'),
          isSecure: session.secure,
        })
        done(null, 'queued')
      })
    },
    ...options,
  })
  server.on('error', () => {})
  const listener = server.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    received,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

interface ScriptedHost extends AsyncDisposable {
  readonly port: number
  /** The lines that clients sent, of all connections. */
  readonly lines: readonly string[]
  readonly connections: number
}

/**
 * Starts a host that answers each line by a function. Message lines are lines, too.
 * @param answer returns the lines of the reply, or undefined for none; `close` closes the connection
 */
export async function startScript(
  answer: (line: string, socket: Socket, connection: number) => string | undefined,
): Promise<ScriptedHost> {
  const lines: string[] = []
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const number = ++connections
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    let held = ''
    const say = (reply: string | undefined): void => {
      if (reply === 'close') socket.destroy()
      else if (reply !== undefined) socket.write(`${reply}\r\n`)
    }
    say(answer('', socket, number))
    socket.on('data', (chunk) => {
      held += chunk.toString('utf8')
      const parts = held.split('\r\n')
      held = parts.pop() ?? ''
      for (const line of parts) {
        lines.push(line)
        if (!socket.destroyed) say(answer(line, socket, number))
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    lines,
    get connections() {
      return connections
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/**
 * Starts a host that takes mail, by script.
 * @param at what it does at a command: a returned reply replaces its own, null is none
 * @param keyword an extension that it offers
 */
export function startTaker(
  at: (line: string, connection: number) => string | null | undefined,
  keyword = 'HELP',
): Promise<ScriptedHost> {
  const inContent = new Set<number>()
  return startScript((line, _, connection) => {
    if (inContent.has(connection)) {
      if (line !== '.') return undefined
      inContent.delete(connection)
      return '250 ok'
    }
    if (line === '') return '220 host.test'
    const given = at(line, connection)
    if (given !== undefined) return given ?? undefined
    if (line.startsWith('EHLO')) return `250-host.test\r\n250 ${keyword}`
    if (line !== 'DATA') return '250 ok'
    inContent.add(connection)
    return '354 go on'
  })
}
