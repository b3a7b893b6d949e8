import type { Logger } from 'pino'
import { webhookFormats } from '../../servers/index.ts'
import type { Api } from '../api/api.ts'
import type { Webhooks } from '../api/webhooks/webhooks.ts'
import type { ResolvedLab } from '../core/config/resolve.ts'

/** The parts of a lab that webhooks need. */
interface WebhookServices {
  readonly log: Logger
  api(): Promise<Api>
}

/** The webhooks of a running lab. Loaded when a configuration has some. */
export class LabWebhooks {
  readonly #services: WebhookServices
  #running: Webhooks | undefined

  constructor(services: WebhookServices) {
    this.#services = services
  }

  /** Sends events to the webhooks of a configuration. @throws Error for a secret or filter that cannot be used */
  async apply({ webhooks }: ResolvedLab): Promise<void> {
    if (webhooks.length === 0 && !this.#running) return
    const { openWebhooks, Webhooks } = await import('../api/webhooks/webhooks.ts')
    const opened = await openWebhooks(webhooks, await webhookFormats())
    if (this.#running) return this.#running.use(opened)
    const api = await this.#services.api()
    this.#running = await Webhooks.start(api, opened, (err) =>
      this.#services.log.error({ err }, 'webhooks: an event may be lost'),
    )
    api.webhooks = this.#running
  }
}
