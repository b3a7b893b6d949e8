import { accessTokenIn } from '../account-mail.ts'
import type { Provider } from '../types.ts'
import { changeRoutes } from './changes.ts'
import { deltaRoutes } from './delta.ts'
import { errorOf } from './errors.ts'
import { folderRoutes } from './folders.ts'
import { messageRoutes } from './messages.ts'
import { sendMail } from './sending.ts'
import { subscriptionRoutes } from './subscriptions.ts'

/** Microsoft Graph: sendMail, and the mail of an account. Its keys are access tokens of the lab. */
export const graph: Provider = {
  routes: [
    {
      method: 'POST',
      path: /^\/(?:v1\.0|beta)\/(?:me|users\/(?<user>[^/]+))\/(?:microsoft\.graph\.)?sendMail$/i,
      run: sendMail,
    },
    ...deltaRoutes,
    ...messageRoutes,
    ...changeRoutes,
    ...folderRoutes,
    ...subscriptionRoutes,
  ],
  credentialOf: accessTokenIn,
  messageIdOf: (id) => `${id}@graph.lab`,
  errorOf,
}
