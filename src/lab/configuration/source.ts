import type { LoadedConfig, Override } from '../../core/config/load.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import type { ServerProtocol } from '../../core/config/schema.ts'

/** Where the configuration of a lab comes from, and how it is read. */
export interface ConfigurationSource {
  /** Its name in messages: `config/lab.yaml`, `SEALPOST_CONFIG`, `startLab()`. */
  readonly name: string
  /** The file that changes are written to. Absent: changes last until the lab stops. */
  readonly file?: string
  /** Values of variables and options that replace those of the text. */
  readonly overrides: readonly Override[]
  /** Only the virtual servers of these protocols are started. */
  readonly only?: readonly ServerProtocol[]
  /** Reads and validates it, and returns its text if it has one. @throws ConfigError */
  open(): Promise<OpenedConfiguration>
  /** Returns the text as it is now. @throws ConfigError */
  read(): Promise<string>
  /** Validates a text and resolves it. @throws ConfigError */
  load(text: string): Promise<LoadedConfig>
  /** Called with each configuration that is in use. */
  readonly onUse?: (lab: ResolvedLab) => void
}

/** A configuration that was read. */
export interface OpenedConfiguration {
  readonly loaded: LoadedConfig
  /** Absent: it was not read from a text. */
  readonly text?: string
}
