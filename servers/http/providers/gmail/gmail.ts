import { accessTokenIn } from '../account-mail.ts'
import type { Provider } from '../types.ts'
import { batchRoutes } from './batch.ts'
import { errorOf } from './errors.ts'
import { historyRoutes } from './history.ts'
import { labelRoutes } from './labels.ts'
import { mailRoutes } from './mails.ts'
import { messageIdOf } from './send.ts'

/** The Gmail API. Its keys are access tokens of the lab. */
export const gmail: Provider = {
  routes: [...batchRoutes, ...mailRoutes, ...labelRoutes, ...historyRoutes],
  credentialOf: accessTokenIn,
  messageIdOf,
  errorOf,
}
