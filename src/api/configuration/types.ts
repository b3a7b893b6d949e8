import type { LoadedConfig, Override } from '../../core/config/load.ts'

/** A text without mistakes. */
export interface CheckedText {
  readonly loaded: LoadedConfig
  readonly warnings: readonly string[]
}

/** The result of a reload. */
export interface Reloaded {
  readonly warnings: readonly string[]
  /** Changed keys that take effect at the next start only. */
  readonly afterRestart: readonly string[]
}

/** The configuration of a lab as the operations use it. */
export interface ApiConfiguration {
  /** Its name in messages: `config/lab.yaml`, `SEALPOST_CONFIG`, `startLab()`. */
  readonly name: string
  /** The file that changes are written to. Undefined: changes last until the lab stops. */
  readonly file: string | undefined
  readonly overrides: readonly Override[]
  /** The configuration that the lab uses. */
  readonly loaded: LoadedConfig
  /** Keys that the lab does not use before its next start. */
  readonly afterRestart: readonly string[]
  /** Returns the text as it is now. @throws ConfigError */
  text(): Promise<string>
  /** Returns the text that the lab uses. */
  usedText(): Promise<string>
  /** Runs a change after all earlier ones. */
  exclusively<T>(change: () => Promise<T>): Promise<T>
  /** Checks a text as `sealpost check` does. @throws ConfigError */
  check(text: string): Promise<CheckedText>
  /** Writes and applies a text. Undefined: the file is no longer `from`. @throws Error; nothing has changed then */
  replace(from: string, to: string, loaded: LoadedConfig): Promise<Reloaded | undefined>
  /** Reads the text again and applies it. @throws Error; nothing has changed then */
  reload(): Promise<Reloaded>
}
