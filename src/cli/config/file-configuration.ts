import type { ApiConfiguration, CheckedText, Reloaded } from '../../api/configuration/types.ts'
import type { LoadedConfig } from '../../core/config/load.ts'
import { ConfigError } from '../../core/config/mistakes.ts'
import { replaceFile } from '../../core/files/replace-file.ts'
import type { ConfigurationSource } from '../../lab/configuration/source.ts'
import { runPreflight } from '../../lab/preflight/preflight.ts'
import { readStore } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, configOption, configurationSource } from '../shared/configuration.ts'

/** The file of a configuration that no lab runs. Changes are only written. */
export class FileConfiguration implements ApiConfiguration {
  readonly afterRestart = []
  readonly file: string
  readonly loaded: LoadedConfig
  readonly #source: ConfigurationSource

  private constructor(file: string, source: ConfigurationSource, loaded: LoadedConfig) {
    this.file = file
    this.#source = source
    this.loaded = loaded
  }

  /** @throws ConfigError; Error if the configuration is not in a file */
  static async open(options: ConfigurationOptions): Promise<FileConfiguration> {
    const source = await configurationSource(options)
    if (source.file === undefined) {
      const save = `sealpost config show --text --secrets${configOption(options)} > lab.yaml`
      throw new Error(`${source.name} cannot be changed; save it with: ${save}; then add --config lab.yaml`)
    }
    return new FileConfiguration(source.file, source, (await source.open()).loaded)
  }

  get name(): string {
    return this.#source.name
  }

  get overrides(): ConfigurationSource['overrides'] {
    return this.#source.overrides
  }

  text(): Promise<string> {
    return this.#source.read()
  }

  usedText(): Promise<string> {
    return this.text()
  }

  exclusively<T>(change: () => Promise<T>): Promise<T> {
    return change()
  }

  async check(text: string): Promise<CheckedText> {
    const loaded = await this.#source.load(text)
    const problems = await runPreflight(loaded, {
      readStore: (read) => readStore(loaded.lab, read),
      running: { isRunning: false, ports: new Set() },
    })
    const mistakes = problems.filter(({ severity }) => severity === 'mistake')
    if (mistakes.length > 0) throw new ConfigError(mistakes.map(({ message, found }) => found ?? message))
    return { loaded, warnings: [...loaded.warnings, ...problems.map(({ message }) => message)] }
  }

  async replace(from: string, to: string): Promise<Reloaded | undefined> {
    if ((await this.text()) !== from) return undefined
    await replaceFile(this.file, to)
    return { warnings: [], afterRestart: [] }
  }

  async reload(): Promise<Reloaded> {
    throw new Error(`no lab runs ${this.name}`)
  }
}
