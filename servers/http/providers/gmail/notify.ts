import { randomInt } from 'node:crypto'
import { providerSource } from '../../../../src/core/config/schema/providers.ts'
import type { Change, MailboxHistory } from '../../../../src/storage/store/views/gmail/mailbox-history.ts'
import type { AccountMailbox } from '../mailbox/mailbox.ts'

/** The request of `users.watch`, as the store keeps it. */
export interface Watch {
  readonly topicName: string
  readonly labelIds: readonly string[]
  /** Whether changes of other messages are reported than those with the labels. */
  readonly excludes: boolean
  /** Milliseconds since the epoch, by the lab's clock. */
  readonly expiration: number
}

export const WATCH = 'watch'

/**
 * Returns the function that tells the webhooks of the provider about changes, as long as somebody watches the mailbox. It
 * keeps nothing of the request.
 */
export function notifyOf({ call, address, store }: AccountMailbox, { space }: MailboxHistory) {
  const { api, config, virtualServer } = call
  return async (changes: readonly Pick<Change, 'labels'>[], historyId: number): Promise<void> => {
    const content = (await store.values({ ...space, names: [WATCH] })).get(WATCH)
    if (!content || !api.webhooks) return
    const { topicName, labelIds, excludes, expiration }: Watch = JSON.parse(`${content}`)
    const now = api.lab.clock.now()
    const isOne = ({ labels }: Pick<Change, 'labels'>): boolean =>
      labels.some((label) => labelIds.includes(label)) !== excludes
    if (expiration <= now || (labelIds.length > 0 && !changes.some(isOne))) return
    const data = Buffer.from(JSON.stringify({ emailAddress: address, historyId })).toString('base64')
    const [messageId, publishTime] = [`${randomInt(1e9, 1e12)}`, new Date(now).toISOString()]
    // https://cloud.google.com/pubsub/docs/push#receive_push
    const message = { data, messageId, message_id: messageId, publishTime, publish_time: publishTime }
    const body = JSON.stringify({ message, subscription: topicName.replace('/topics/', '/subscriptions/') })
    const source = providerSource(virtualServer, config.provider)
    for (const { url } of config.webhooks)
      await api.webhooks.post(url, { event: 'gmail.watch', body, source, delayMs: 0 })
  }
}
