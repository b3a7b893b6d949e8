import type { Logger } from 'pino'
import type { ApiConfiguration, CheckedText, Reloaded } from '../../api/configuration/types.ts'
import type { LoadedConfig } from '../../core/config/load.ts'
import { ConfigError } from '../../core/config/mistakes.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import type { ServerProtocol } from '../../core/config/schema.ts'
import { keysForNextStart, valuesOfStart } from '../../core/config/start-keys.ts'
import { replaceFile } from '../../core/files/replace-file.ts'
import type { SharedValues } from '../../core/values/shared-values.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { ChangeQueue } from '../change-queue.ts'
import { type Problem, type ReadStore, runPreflight, unknownPins } from '../preflight/preflight.ts'
import { SharedConfiguration } from './shared-configuration.ts'
import type { ConfigurationSource, OpenedConfiguration } from './source.ts'

/** The lab that uses a configuration. */
interface ConfigurationServices {
  readonly config: ResolvedLab
  readonly certificateStore: CertificateStore
  readonly values: SharedValues
  readonly log: Logger
  readonly pki: { readonly servicePorts: readonly string[] }
  readonly dns: { readonly ports: readonly string[] }
  endpoints(): readonly {
    readonly address: string
    readonly port: number | undefined
    readonly tlsPort: number | undefined
  }[]
  reload(config: ResolvedLab): Promise<void>
}

/** The configuration of a running lab: its text, what the lab uses of it, and changes. */
export class LabConfiguration implements ApiConfiguration {
  readonly #lab: ConfigurationServices
  readonly #changes = new ChangeQueue()
  #source: ConfigurationSource
  #loaded: LoadedConfig
  /** The text that the lab uses; undefined until it is needed, if the source is no file. */
  #usedText: string | undefined
  /** Undefined in a lab that is one process. */
  readonly #shared: SharedConfiguration | undefined

  /** @param opened what the lab starts with */
  constructor(lab: ConfigurationServices, source: ConfigurationSource, { loaded, text }: OpenedConfiguration) {
    this.#lab = lab
    this.#source = source
    this.#loaded = loaded
    this.#usedText = text
    this.#shared = lab.values.isShared ? new SharedConfiguration(lab.values, this, lab.log) : undefined
  }

  get name(): string {
    return this.#source.name
  }

  get file(): string | undefined {
    return this.#source.file
  }

  get overrides(): ConfigurationSource['overrides'] {
    return this.#source.overrides
  }

  get loaded(): LoadedConfig {
    return this.#loaded
  }

  get afterRestart(): string[] {
    return keysForNextStart(this.#lab.config, this.#loaded.lab)
  }

  /** Returns the text as it is now: a file may have been changed since the lab has read it. @throws ConfigError */
  async text(): Promise<string> {
    return this.file === undefined ? this.usedText() : this.#source.read()
  }

  /** Returns the text that the lab uses. */
  async usedText(): Promise<string> {
    this.#usedText ??= await this.#source.read()
    return this.#usedText
  }

  /** Runs a change after all earlier ones. */
  exclusively<T>(change: () => Promise<T>): Promise<T> {
    return this.#changes.run(change)
  }

  /** Examines a text as `sealpost check` does. @throws ConfigError for mistakes in it, and for what prevents a start */
  async check(text: string): Promise<CheckedText> {
    const loaded = await this.#source.load(text)
    const problems = await runPreflight(loaded, {
      readStore: this.#readStore,
      running: { isRunning: true, ports: this.#openPorts() },
      ...(this.#source.only ? { only: this.#source.only } : {}),
    })
    const fatal = problems.filter(({ preventsStart }) => preventsStart)
    if (fatal.length > 0) throw new ConfigError(fatal.map(({ message, found }: Problem) => found ?? message))
    const others = problems.map(({ message }) => message)
    return { loaded, warnings: [...loaded.warnings, ...others] }
  }

  /**
   * Writes a text that was checked, and applies it; then the other nodes of the lab do. Nothing has changed if this fails.
   * @returns undefined if the text is no longer `from`, because someone else has changed the file
   * @throws ConfigError, ListenError, PkiError, ChangeUnderWay
   */
  async replace(from: string, to: string, loaded: LoadedConfig): Promise<Reloaded | undefined> {
    const apply = (): Promise<Reloaded | undefined> => this.#replaceHere(from, to, loaded)
    if (!this.#shared) return apply()
    const before = this.#loaded
    return this.#shared.change({ from, to }, apply, () => this.#replaceHere(to, from, before))
  }

  /** Applies the changes that were made on other nodes. */
  async catchUp(): Promise<void> {
    await this.#shared?.follow()
  }

  /** Makes a change that another node has made. @throws ConfigError, ListenError, PkiError */
  follow(from: string, to: string): Promise<void> {
    return this.exclusively(async () => {
      if ((await this.usedText()) !== from) return
      const loaded = await this.#source.load(to)
      // Nodes can read the same file.
      const isWritten = this.file !== undefined && (await this.text()) === to
      if (isWritten ? await this.#use(this.#source, loaded, to) : await this.#replaceHere(from, to, loaded)) return
      throw new ConfigError([`${this.name}: was changed on this machine, and is not read again until a reload`])
    })
  }

  close(): void {
    this.#shared?.[Symbol.dispose]()
  }

  async #replaceHere(from: string, to: string, loaded: LoadedConfig): Promise<Reloaded | undefined> {
    if ((await this.text()) !== from) return undefined
    const { file } = this
    if (file !== undefined) await replaceFile(file, to)
    try {
      return await this.#use(this.#source, loaded, to)
    } catch (error) {
      if (file !== undefined && (await this.text()) === to) await replaceFile(file, from)
      throw error
    }
  }

  /**
   * Reads the text again, or another source, and applies it. Nothing has changed if this fails.
   * @throws ConfigError, ListenError, PkiError
   */
  reload(source: ConfigurationSource = this.#source): Promise<Reloaded> {
    return this.exclusively(async () => {
      const own = source === this.#source && this.file === undefined ? this.#usedText : undefined
      const { loaded, text } = own === undefined ? await source.open() : { loaded: await source.load(own), text: own }
      const reloaded = await this.#use(source, loaded, text)
      await this.#shared?.replaced(await this.usedText())
      return reloaded
    })
  }

  readonly #readStore: ReadStore = async (read) => read(this.#lab.certificateStore)

  #openPorts(): Set<string> {
    const { pki, dns } = this.#lab
    const own = this.#lab
      .endpoints()
      .flatMap(({ address, port, tlsPort }) => [port, tlsPort].map((p) => `${address}:${p}`))
    return new Set([...own, ...pki.servicePorts, ...dns.ports])
  }

  async #use(source: ConfigurationSource, loaded: LoadedConfig, text: string | undefined): Promise<Reloaded> {
    const unknown = await unknownPins(loaded, this.#readStore)
    if (unknown.length > 0) throw new ConfigError(unknown)
    const next = startedOf(loaded.lab, source.only)
    const { store, cluster, certificates } = valuesOfStart(this.#lab.config)
    const kept = { ...next.certificates, ...certificates }
    await this.#lab.reload({ ...next, store, ...(cluster && { cluster }), certificates: kept })
    this.#source = source
    this.#loaded = loaded
    this.#usedText = text
    source.onUse?.(next)
    return { warnings: loaded.warnings, afterRestart: this.afterRestart }
  }
}

/** Returns a configuration with the virtual servers that are started. */
export const startedOf = (lab: ResolvedLab, only: readonly ServerProtocol[] | undefined): ResolvedLab =>
  only ? { ...lab, virtualServers: lab.virtualServers.filter(({ protocol }) => only.includes(protocol)) } : lab
