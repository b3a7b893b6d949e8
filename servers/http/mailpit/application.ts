import { seesFolder, seesSession } from '../../../src/api/caller.ts'
import type { ResolvedLab } from '../../../src/core/config/resolve.ts'
import { likeOf } from '../../../src/core/config/schema/like.ts'
import { version } from '../../../src/core/text/version.ts'
import { jsonResponse, type Route, type RouteCall, reads } from '../routes.ts'
import { mailsOf, sendingConnectors } from '../tool-mail.ts'

const info = reads('/api/v1/info', async (call) => {
  const { mails, unread } = (await mailsOf(call)).all
  const tags = new Map<string, number>()
  for (const tag of mails.flatMap(({ tags: own }) => own)) tags.set(tag, (tags.get(tag) ?? 0) + 1)
  const sizeOctets = mails.reduce((sum, { copies: [{ entry }] }) => sum + entry.sizeOctets, 0)
  return jsonResponse(call.c, {
    Version: `v${version}`,
    LatestVersion: `v${version}`,
    Database: isOnDisk(call.api.lab.config.store) ? 'lmdb' : 'memory',
    DatabaseSize: sizeOctets,
    Messages: mails.length,
    Unread: unread,
    Tags: Object.fromEntries([...tags].sort(([a], [b]) => (a < b ? -1 : 1))),
    RuntimeStats: runtimeStats(call, mails.length, sizeOctets),
  })
})

const isOnDisk = (store: ResolvedLab['store']): boolean => typeof store === 'object' && 'lmdb' in store

/** Counts what the lab remembers: sessions that are kept, and the latest events. */
function runtimeStats({ api, caller }: RouteCall, messages: number, sizeOctets: number) {
  const deleted = api.events
    .after(0)
    .filter(({ name, message }) => name === 'message.deleted' && message && seesFolder(caller, message.folder)).length
  const smtp = api.lab.sessionLog.list().filter(({ protocol }) => protocol === 'smtp')
  return {
    Uptime: Math.floor(process.uptime()),
    Memory: process.memoryUsage.rss(),
    MessagesDeleted: deleted,
    SMTPAccepted: messages + deleted,
    SMTPAcceptedSize: sizeOctets,
    SMTPRejected: smtp.filter((session) => session.refusals.length > 0 && seesSession(caller, session)).length,
    SMTPIgnored: 0,
  }
}

/** Describes the first of the connectors that can release mail, in Mailpit's words. */
function relayOf(connectors: ResolvedLab['outgoing']['connectors']) {
  const { smartHost, rewrite, allow, deny } = connectors[0] ?? {}
  const allowed = (allow ?? []).join(', ')
  return {
    Enabled: connectors.length > 0,
    SMTPServer: smartHost ? `${smartHost.host}:${smartHost.port}` : '',
    ReturnPath: rewrite?.from ?? '',
    AllowedRecipients: allowed,
    BlockedRecipients: (deny ?? []).join(', '),
    // The name that earlier versions of Mailpit have.
    RecipientAllowlist: allowed,
    OverrideFrom: '',
    PreserveMessageIDs: true,
  }
}

const webui = reads('/api/v1/webui', (call) => {
  const { api, context, c } = call
  return jsonResponse(c, {
    Label: likeOf(context.config.like)?.label ?? api.lab.config.hostname,
    MessageRelay: relayOf(sendingConnectors(call)),
    SpamAssassin: api.lab.config.mail.spamFilter !== undefined,
    ChaosEnabled: !c.get('isTool') || likeOf(context.config.like)?.chaos === true,
    DuplicatesIgnored: false,
    HideDeleteAllButton: false,
  })
})

export const applicationRoutes: readonly Route[] = [info, webui]
