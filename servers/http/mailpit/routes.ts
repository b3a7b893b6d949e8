import type { Route } from '../routes.ts'
import { applicationRoutes } from './application.ts'
import { chaosRoutes } from './chaos.ts'
import { checkRoutes } from './checks.ts'
import { eventRoute } from './events.ts'
import { messageRoutes } from './message.ts'
import { messagesRoutes } from './messages.ts'
import { sendRoute } from './send.ts'
import { tagRoutes } from './tags.ts'

/** The API of Mailpit, below `/mailpit`. https://mailpit.axllent.org/docs/api-v1/ */
export const mailpitRoutes: readonly Route[] = [
  ...applicationRoutes,
  ...messagesRoutes,
  ...messageRoutes,
  ...checkRoutes,
  ...tagRoutes,
  sendRoute,
  ...chaosRoutes,
  eventRoute,
]
