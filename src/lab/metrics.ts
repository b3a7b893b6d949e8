import { Statistics } from '../api/metrics/statistics.ts'
import { Traffic } from '../api/metrics/traffic.ts'
import type { ResolvedLab } from '../core/config/resolve.ts'
import type { Intake } from '../core/octets/received-octets.ts'
import type { SessionLog } from '../core/sessions/log.ts'
import type { MessageStore } from '../storage/store/types.ts'

/** The parts of a lab that metrics read. */
interface MetricsServices {
  readonly sessionLog: SessionLog
  readonly store: MessageStore
  readonly intake: Intake
}

/** The metrics of a lab. Nothing is counted before the lab has an HTTP virtual server. */
export class LabMetrics implements Disposable {
  readonly #services: MetricsServices
  #traffic: Traffic | undefined
  #statistics: Statistics | undefined

  constructor(services: MetricsServices) {
    this.#services = services
  }

  /** Counts of connections, handshakes and messages; undefined without an HTTP virtual server. */
  get traffic(): Traffic | undefined {
    return this.#traffic
  }

  /** Samples of the last hour; undefined without an HTTP virtual server. */
  get statistics(): Statistics | undefined {
    return this.#statistics
  }

  /** Begins to count if the configuration has an HTTP virtual server. */
  open({ virtualServers }: ResolvedLab): void {
    if (this.#traffic || !virtualServers.some(({ protocol }) => protocol === 'http')) return
    const { sessionLog, store, intake } = this.#services
    this.#traffic = new Traffic(sessionLog, store)
    this.#statistics = new Statistics(this.#traffic, intake.memory)
  }

  [Symbol.dispose](): void {
    this.#statistics?.[Symbol.dispose]()
    this.#traffic?.[Symbol.dispose]()
  }
}
