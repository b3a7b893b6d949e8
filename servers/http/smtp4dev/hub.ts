import { randomBytes } from 'node:crypto'
import type { WebSocket } from 'ws'
import { seesSession } from '../../../src/api/caller.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { clearInterval, setInterval } from '../../../src/core/time/real-timers.ts'
import { MailFeed, sendText, socketClient } from '../mail-feed.ts'
import { jsonResponse, type Route, type RouteCall, reads } from '../routes.ts'
import { mailboxNames } from './mailboxes.ts'

// The protocol of SignalR's hubs in JSON, over WebSocket alone:
// https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md

const SEPARATOR = '\x1e'
const [INVOCATION, PING] = [1, 6]
/** Clients close a connection without a message for 30 seconds. */
const PING_MS = 15_000
const HUB = '/hubs/notifications'

const send = (socket: WebSocket, message: object): void => sendText(socket, JSON.stringify(message) + SEPARATOR)

/** Answers what SignalR clients ask before they connect. */
const negotiate = ({ c }: RouteCall): Response => {
  const id = randomBytes(16).toString('base64url')
  const isFirst = (c.req.query('negotiateVersion') ?? '0') === '0'
  return jsonResponse(c, {
    negotiateVersion: isFirst ? 0 : 1,
    connectionId: id,
    ...(isFirst ? {} : { connectionToken: id }),
    availableTransports: [{ transport: 'WebSockets', transferFormats: ['Text'] }],
  })
}

/** Sends the notifications of smtp4dev: which list has changed, but not how. */
const connect = reads(HUB, async (call) => {
  const { api, caller, c } = call
  const { accept } = c.env
  if (!accept) throw new ApiProblem('upgrade-required', 'the hub is reached by WebSocket; connect with ws:// or wss://')
  const begin = await MailFeed.prepare(call)
  accept((socket) => {
    // The handshake of the client comes first: { "protocol": "json", "version": 1 }
    socket.once('message', (data) => {
      if (!/"protocol"\s*:\s*"json"/.test(`${data}`)) {
        send(socket, { error: 'the only protocol is json' })
        return socket.close()
      }
      send(socket, {})
      const tell = (target: string, ...arguments_: readonly string[]): void =>
        send(socket, { type: INVOCATION, target, arguments: arguments_ })
      // Clients read the list again that they show.
      const changed = (): void => {
        for (const name of mailboxNames(call)) tell('messageschanged', name)
      }
      begin(socketClient(socket), () => ({ received: changed, changed, deleted: changed, reset: changed }))
      const unwatch = api.lab.sessionLog.watch((session) => {
        if (session.protocol === 'smtp' && seesSession(caller, session)) tell('sessionschanged')
      })
      const pings = setInterval(() => send(socket, { type: PING }), PING_MS)
      socket.on('close', () => {
        unwatch()
        clearInterval(pings)
      })
    })
  })
  c.set('isUpgraded', true)
  return c.body(null, 204)
})

export const hubRoutes: readonly Route[] = [
  { method: 'POST', path: `${HUB}/negotiate`, access: 'read', run: negotiate },
  connect,
]
