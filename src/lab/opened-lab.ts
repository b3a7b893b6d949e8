import type { Logger } from 'pino'
import type { ApiLab } from '../api/lab.ts'
import type { ResolvedLab } from '../core/config/resolve.ts'
import type { Intake } from '../core/octets/received-octets.ts'
import type { SessionLog } from '../core/sessions/log.ts'
import { type Clock, systemClock } from '../core/time/clock.ts'
import type { MovableClock } from '../core/time/movable-clock.ts'
import type { SharedValues } from '../core/values/shared-values.ts'
import type { Cluster } from '../storage/cluster/types.ts'
import type { Database } from '../storage/index.ts'
import type { MessageStore } from '../storage/store/types.ts'
import type { CertificateStore } from '../tls/pki/certificate-store/types.ts'
import type { ConfigurationSource, OpenedConfiguration } from './configuration/source.ts'
import type { LogLines } from './recording/log-lines.ts'

export interface LabOptions {
  readonly log: Logger
  /** Whether the lines of the log are kept from the start. Default: if the lab has an HTTP virtual server. */
  readonly keepsLog?: boolean
  /** The lab has a clock of its own, which follows this one and can be moved. */
  readonly clock: Clock
  /** Used instead of the store that the configuration names. Stays open when the lab stops. */
  readonly store?: MessageStore
  /** Used instead of the certificate store that the configuration names. Stays open when the lab stops. */
  readonly certificateStore?: CertificateStore
  /** Nothing of the lab keeps the process running. Default: its ports do. */
  readonly isBackground?: boolean
  /** Where the configuration comes from. Without it, the lab can only be given another one. */
  readonly configuration?: { readonly source: ConfigurationSource; readonly opened: OpenedConfiguration }
}

/** The parts that a reload does not replace, opened by `createLab`. */
export interface LabParts {
  readonly certificateStore: CertificateStore
  readonly store: MessageStore
  /** The database that several nodes share. The lab closes it. */
  readonly database: Database | undefined
  /** Values that the nodes of the lab share, besides mail and certificates. */
  readonly values: SharedValues
  /** The nodes that serve the lab. */
  readonly cluster: Cluster
  readonly sessionLog: SessionLog
  /** Receives messages within the lab's memory. */
  readonly intake: Intake
  readonly logLines: LogLines
  /** Opens another lab, without a log. */
  readonly openLab: ApiLab['openLab']
}

/** A lab with the parts that `createLab` opened, before the parts that its configuration needs. */
export class OpenedLab implements LabParts {
  readonly certificateStore: CertificateStore
  readonly store: MessageStore
  readonly database: Database | undefined
  readonly values: SharedValues
  readonly cluster: Cluster
  readonly sessionLog: SessionLog
  readonly intake: Intake
  readonly logLines: LogLines
  readonly openLab: ApiLab['openLab']
  readonly log: Logger
  readonly clock: MovableClock
  readonly isBackground: boolean
  /** When the lab was opened, milliseconds since the epoch, by the clock of the machine. */
  readonly openedAt = systemClock.now()
  protected readonly options: LabOptions
  protected usedConfig: ResolvedLab

  constructor(config: ResolvedLab, parts: LabParts, options: LabOptions & { readonly clock: MovableClock }) {
    this.certificateStore = parts.certificateStore
    this.store = parts.store
    this.database = parts.database
    this.values = parts.values
    this.cluster = parts.cluster
    this.sessionLog = parts.sessionLog
    this.intake = parts.intake
    this.logLines = parts.logLines
    this.openLab = parts.openLab
    this.log = options.log
    this.clock = options.clock
    this.isBackground = options.isBackground === true
    this.options = options
    this.usedConfig = config
  }

  /** The configuration that the lab uses now. A reload replaces it. */
  get config(): ResolvedLab {
    return this.usedConfig
  }
}
