import type { Logger } from 'pino'
import { providerReporter, webhookFormats } from '../../servers/index.ts'
import type { Api } from '../api/api.ts'
import type { ProviderWebhook, Webhooks } from '../api/webhooks/webhooks.ts'
import type { ResolvedLab } from '../core/config/resolve.ts'
import { webhookRetries } from '../core/config/schema/http.ts'
import { providerRetries, providerSource } from '../core/config/schema/providers.ts'

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
  async apply({ webhooks, virtualServers }: ResolvedLab): Promise<void> {
    const ofProviders = providerWebhooks(virtualServers)
    if (webhooks.length + ofProviders.length === 0 && !this.#running) return
    const { openProviderWebhooks, openWebhooks, Webhooks } = await import('../api/webhooks/webhooks.ts')
    const own = await openWebhooks(webhooks, await webhookFormats())
    const opened = [...own, ...(await openProviderWebhooks(ofProviders))]
    if (this.#running) return this.#running.use(opened)
    const api = await (await this.#services.api()).begin()
    this.#running = await Webhooks.start(api, opened, (err) =>
      this.#services.log.error({ err }, 'webhooks: an event may be lost'),
    )
    api.webhooks = this.#running
    api.reportProviderEvent = providerReporter(api)
  }
}

/** Returns the webhooks of the providers whose API virtual servers offer. */
const providerWebhooks = (servers: ResolvedLab['virtualServers']): ProviderWebhook[] =>
  servers.flatMap(({ name, providers }) =>
    providers.flatMap(({ provider, webhooks }) =>
      webhooks.map((hook) => ({
        ...hook,
        source: providerSource(name, provider),
        retries: hook.retries ?? [...(providerRetries[provider] ?? webhookRetries)],
      })),
    ),
  )
