import { accessTokenIn } from '../account-mail.ts'
import type { Provider } from '../types.ts'
import { answeringRoutes } from './answering.ts'
import { batchRoutes } from './batch.ts'
import { changeRoutes } from './changes.ts'
import { deltaRoutes } from './delta.ts'
import { draftRoutes } from './drafts.ts'
import { errorOf } from './errors.ts'
import { folderRoutes } from './folders.ts'
import { messageRoutes } from './messages.ts'
import { answer, route } from './odata.ts'
import { sendingRoutes } from './sending.ts'
import { subscriptionRoutes } from './subscriptions.ts'

/** Answers with the account. https://learn.microsoft.com/en-us/graph/api/user-get */
const me = route('GET', '{user}', async (request) => {
  const {
    account: { user },
    address,
  } = request.mailbox
  return answer(request, '$entity', { id: address, displayName: user, mail: address, userPrincipalName: address })
})

/** Microsoft Graph: sendMail, and the mail of an account. Its keys are access tokens of the lab. */
export const graph: Provider = {
  routes: [
    me,
    ...batchRoutes,
    ...sendingRoutes,
    ...answeringRoutes,
    ...deltaRoutes,
    ...messageRoutes,
    ...changeRoutes,
    ...draftRoutes,
    ...folderRoutes,
    ...subscriptionRoutes,
  ],
  credentialOf: accessTokenIn,
  messageIdOf: (id) => `${id}@graph.lab`,
  errorOf,
}
