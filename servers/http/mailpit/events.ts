import { ApiProblem } from '../../../src/api/problem.ts'
import { clearTimeout, setTimeout } from '../../../src/core/time/real-timers.ts'
import { MailFeed, sendText, socketClient } from '../mail-feed.ts'
import { type Route, reads } from '../routes.ts'
import { arrivedSummary } from './shapes.ts'

/** Mailpit sends the counts of the mailbox at most this often. */
const STATS_MS = 250
/** More deletions in one event are reported as one `prune`, after which clients read the list again. */
const MAX_DELETIONS = 100

type Type = 'new' | 'update' | 'delete' | 'prune' | 'truncate' | 'stats'

/** The WebSocket of changes. */
export const eventRoute: Route = reads('/api/events', async (call) => {
  const { api, caller, c } = call
  const { accept } = c.env
  if (!accept)
    throw new ApiProblem('upgrade-required', 'these events are sent by WebSocket; connect with ws:// or wss://')
  const begin = await MailFeed.prepare(call)
  accept((socket) => {
    let stats: NodeJS.Timeout | undefined
    socket.on('close', () => clearTimeout(stats))
    begin(socketClient(socket), (feed) => {
      const sendStats = (): void => {
        stats = undefined
        const { mails } = feed
        send('stats', { Total: mails.length, Unread: mails.filter(({ isRead }) => !isRead).length })
      }
      const send = (type: Type, data: unknown): void => {
        sendText(socket, JSON.stringify({ Type: type, Data: data }))
        if (type !== 'stats') stats ??= setTimeout(sendStats, STATS_MS)
      }
      return {
        async received(message) {
          const summary = await arrivedSummary(api, message, caller)
          if (summary) send('new', summary)
        },
        changed: ({ id, isRead, tags }) => send('update', { ID: id, Read: isRead, Tags: tags }),
        deleted(ids) {
          if (feed.isEmpty) send('truncate', null)
          else if (ids.length > MAX_DELETIONS) send('prune', null)
          else for (const ID of ids) send('delete', { ID })
        },
        reset: () => send('truncate', null),
      }
    })
  })
  c.set('isUpgraded', true)
  return c.body(null, 204)
})
