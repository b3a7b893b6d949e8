import { changeFlags, type Mail } from './delivered-mail.ts'
import { isForeign } from './guard.ts'
import type { RouteCall } from './routes.ts'

/**
 * Marks a message as read, as Mailpit and MailDev do when it is shown. A caller that may only read leaves it as it is, as do
 * links of other sites.
 */
export async function markRead({ api, caller, c }: RouteCall, mail: Mail): Promise<void> {
  // HEAD is safe. RFC 9110 section 9.2.1
  if (c.req.method === 'HEAD') return
  if (mail.isRead || caller.role === 'reader' || isForeign(c.req.header('Sec-Fetch-Site'))) return
  await changeFlags(api, [mail], { mode: 'add', flags: ['\\Seen'] })
}
