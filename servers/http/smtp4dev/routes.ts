import { version } from '../../../src/core/text/version.ts'
import { jsonResponse, notOffered, type Route, type RouteCall, reads } from '../routes.ts'
import { sendingConnectors } from '../tool-mail.ts'
import { hubRoutes } from './hub.ts'
import { sessionGuid } from './ids.ts'
import { defaultMailboxOf, mailboxNames } from './mailboxes.ts'
import { messageRoutes } from './messages.ts'
import { sendRoutes } from './send.ts'
import { sessionRoutes } from './sessions.ts'

function server(call: RouteCall): Response {
  const { api, c } = call
  const portOf = (wanted: string): number | null => {
    const found = api.lab.endpoints().find(({ protocol }) => protocol === wanted)
    return found?.port ?? found?.tlsPort ?? null
  }
  const relay = sendingConnectors(call).find(({ smartHost }) => smartHost !== undefined)?.smartHost
  return jsonResponse(c, {
    isRunning: true,
    exception: null,
    settingsAreEditable: false,
    port: portOf('smtp'),
    imapPort: portOf('imap4'),
    pop3Port: portOf('pop3'),
    hostName: api.lab.config.hostname,
    currentUserDefaultMailboxName: defaultMailboxOf(call),
    relaySmtpServer: relay?.host ?? '',
    relaySmtpPort: relay?.port ?? 25,
    relayLogin: relay?.user ?? '',
  })
}

/** In smtp4dev the case of paths does not matter. Its clients and its documentation write them in these two ways. */
const bothCases = (routes: (name: (lower: string) => string) => Route[]): Route[] => [
  ...routes((lower) => `/api/${lower}`),
  ...routes((lower) => `/api/${lower.charAt(0).toUpperCase()}${lower.slice(1)}`),
]

/** The API of smtp4dev, below `/smtp4dev`. */
export const smtp4devRoutes: readonly Route[] = [
  ...bothCases((path) => [
    ...sendRoutes(path('messages')),
    ...messageRoutes(path('messages')),
    ...sessionRoutes(path('sessions')),
    reads(path('server'), server),
    ...notOffered('POST', [path('server')], 'change the configuration of the lab: PATCH /api/v1/configuration'),
    reads(path('version'), ({ c }) =>
      jsonResponse(c, { version: `${version.replace(/-.*$/, '')}.0`, infoVersion: version }),
    ),
    reads(path('mailboxes'), (call) =>
      jsonResponse(
        call.c,
        mailboxNames(call).map((name) => ({ id: sessionGuid(name), name, mailboxFolders: [] })),
      ),
    ),
  ]),
  ...hubRoutes,
]
