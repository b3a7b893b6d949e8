import type { OnDemand } from '../../core/config/on-demand/parse.ts'
import type { Delivery } from './queue.ts'
import type { Attempt } from './send.ts'

/** A request to a webhook of a provider. */
export interface WebhookPost extends Pick<Delivery, 'event' | 'body' | 'encoding' | 'headers' | 'sign' | 'source'> {
  /** Time until it is sent. */
  readonly delayMs: number
}

/** A message that was sent by the API of a provider. */
interface ProviderMail {
  readonly raw: Buffer
  readonly from: string
  readonly recipients: readonly string[]
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly sizeOctets: number
}

/** Reports an event of a message. Resolves with whether a provider has sent it, which then reports all that happens to it. */
export type ReportProviderEvent = (mail: ProviderMail, wanted: OnDemand) => Promise<boolean>

/** The webhooks of the configuration, as the operations use them. */
export interface WebhookSender extends AsyncDisposable {
  readonly hooks: readonly {
    readonly config: { readonly url: string; readonly events: readonly string[]; readonly filter?: string | undefined }
  }[]
  /** Returns the deliveries, the newest first. */
  deliveries(): Delivery[]
  /** Sends an event `webhook.test`. Returns its delivery after the first attempt; undefined if the URL is not listed. */
  test(url: string): Promise<Delivery | undefined>
  /** Sends a request to a webhook of a provider now, once. Undefined if the URL is not listed. @param query what is added to the URL */
  ask(url: string, source: string, query: string): Promise<Attempt | undefined>
  /** Sends a request to a webhook of a provider. Resolves when it is in the queue. */
  post(url: string, post: WebhookPost): Promise<void>
  /** Forgets every delivery, after all messages were deleted. */
  reset(): Promise<void>
}
