import { randomInt } from 'node:crypto'
import { providerSource } from '../../../../src/core/config/schema/providers.ts'
import type { Owner } from '../../../../src/storage/store/folder.ts'
import type { ValueSpace } from '../../../../src/storage/store/value-types.ts'
import type { LabelChange } from '../../../../src/storage/store/views/gmail/label-ids.ts'
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

const WATCH = 'watch'
/** Where the store keeps the watch of an account. */
export const watchOf = (reader: Owner): ValueSpace => ({ kind: 'gmail', reader, names: [WATCH] })
/** Returns the change that sets or removes it. */
export const watchChange = (watch?: Watch) => new Map([[WATCH, watch && Buffer.from(JSON.stringify(watch))]])

/**
 * Returns the function that tells the webhooks of the provider about changes, as long as somebody watches the mailbox. It
 * keeps nothing of the request.
 */
export function notifyOf({ call, address, owner, store }: AccountMailbox) {
  const { api, config, virtualServer } = call
  return async (changes: readonly Pick<LabelChange, 'labels'>[], historyId: number): Promise<void> => {
    const content = (await store.values(watchOf(owner))).get(WATCH)
    if (!content || !api.webhooks) return
    const { topicName, labelIds, excludes, expiration }: Watch = JSON.parse(`${content}`)
    const now = api.lab.clock.now()
    const isOne = ({ labels }: Pick<LabelChange, 'labels'>): boolean =>
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
