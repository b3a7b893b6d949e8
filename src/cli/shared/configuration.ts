import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { LoadedConfig, Override } from '../../core/config/load.ts'
import { readPackageFile } from '../../core/files/package-files.ts'
import type { ConfigurationSource } from '../../lab/configuration/source.ts'
import { UsageError } from './failure.ts'
import { sharedOptions } from './shared-options.ts'
import { userDataFolder } from './user-folders.ts'

/** Options that select the configuration and override its keys. */
export interface ConfigurationOptions {
  readonly config?: string
  /** The tool whose place the lab takes. */
  readonly like?: string
  /** Flags of that tool. */
  readonly likeFlags?: readonly string[]
  readonly portOffset?: number
  readonly logLevel?: string
  /** The file of captured traffic. */
  readonly pcap?: string
  /** False with `--no-secrets`. */
  readonly secrets?: boolean
  /** Print JSON. */
  readonly json?: boolean
  /** The lab of a program that tests: the environment of its user has no effect, except SEALPOST_CONFIG. */
  readonly forTests?: boolean
}

export interface Configuration extends LoadedConfig {
  /** Its name in messages. */
  readonly name: string
  /** Identifies the running labs of this configuration. */
  readonly identity: string
}

const DEFAULT_FILE = 'config/default.yaml'

/** Adds `--config` and `--like`. */
export function withConfig(command: Command): Command {
  return command.addOption(sharedOptions.config).addOption(sharedOptions.like)
}

/** Returns the option that selects the same configuration in another command, after a space; empty for the default. */
export function configOption({ config, like }: Pick<ConfigurationOptions, 'config' | 'like'>): string {
  if (like !== undefined) return ` --like ${like}`
  return config === undefined ? '' : ` --config ${config.includes(' ') ? JSON.stringify(config) : config}`
}

/**
 * Reads the configuration: `--config` or `--like`, else `SEALPOST_CONFIG_FILE`, else `SEALPOST_CONFIG`, else `SEALPOST_LIKE`, else
 * `config/default.yaml` in the working directory, else the default of the package.
 * @throws ConfigError
 */
export async function loadConfiguration(options: ConfigurationOptions): Promise<Configuration> {
  const source = await configurationSource(options)
  const { loaded } = await source.open()
  const { name, identity } = chooseSource(options)
  return { ...loaded, warnings: [...source.notes, ...loaded.warnings], name, identity }
}

/** The source of a configuration on the command line. */
export interface CommandSource extends ConfigurationSource {
  /** Warnings about the environment and the options. */
  readonly notes: readonly string[]
}

/** Returns where the configuration comes from, with the values of the environment and the options. */
export async function configurationSource(options: ConfigurationOptions): Promise<CommandSource> {
  const { readEnvironment } = await import('../../core/config/environment.ts')
  const settings = readEnvironment(process.env, process.cwd())
  const { name, file, warnings, read, folder } = chooseSource(options)
  const overrides = [...settings.overrides, ...optionOverrides(options)]
  const load = async (text: string): Promise<LoadedConfig> => {
    const { loadText } = await import('../../core/config/yaml.ts')
    return loadText(text, name, folder, overrides)
  }
  return {
    name,
    ...(file === undefined ? {} : { file }),
    overrides,
    notes: [...settings.warnings, ...(await warnings())],
    read,
    load,
    async open() {
      const text = await read()
      return { loaded: await load(text), text }
    },
  }
}

/** Returns the name and identity of the configuration without reading it: the file may be invalid. */
export function configurationIdentity(options: ConfigurationOptions): { name: string; identity: string } {
  return chooseSource(options)
}

/** Where a configuration is written. */
interface Source {
  readonly name: string
  readonly identity: string
  /** Absolute path, if changes can be written to it. */
  readonly file?: string
  readonly warnings: () => Promise<readonly string[]>
  /** Folders in it are relative to this one. */
  readonly folder: string
  readonly read: () => Promise<string>
}

export function chooseSource(options: ConfigurationOptions): Source {
  const { config, like } = options
  if (config !== undefined && like !== undefined) throw bothGiven(like)
  const { SEALPOST_CONFIG } = process.env
  const { SEALPOST_CONFIG_FILE, SEALPOST_LIKE } = options.forTests ? {} : process.env
  const sources: readonly (readonly [origin: string, value: string | undefined, open: (value: string) => Source])[] = [
    ['--config', config, fromFile],
    ['--like', like, (tool) => fromTool(tool, options)],
    ['SEALPOST_CONFIG_FILE', SEALPOST_CONFIG_FILE || undefined, fromFile],
    [
      'SEALPOST_CONFIG',
      SEALPOST_CONFIG || undefined,
      (text) => fromText(yamlIn(text), 'SEALPOST_CONFIG', process.cwd()),
    ],
    ['SEALPOST_LIKE', SEALPOST_LIKE || undefined, (tool) => fromTool(tool, options)],
  ]
  const [first, ...others] = sources.filter(([, value]) => value !== undefined)
  if (first) {
    const [origin, value = '', open] = first
    const source = open(value)
    const ignored = others.map(([other]) => `${other} is ignored because of ${origin}`)
    return { ...source, warnings: async () => [...ignored, ...(await source.warnings())] }
  }
  if (options.forTests) return fromText('{}', '--for-tests', process.cwd())
  if (existsSync(DEFAULT_FILE)) return fromFile(DEFAULT_FILE)
  // An installed package has no folder for certificates. They are stored in the user's data folder, so that
  // the root certificate stays the same.
  const text = `${readPackageFile(DEFAULT_FILE)}`
  return fromText(text, `${DEFAULT_FILE} of the package`, join(userDataFolder(), 'sealpost/config'))
}

const bothGiven = (like: string): UsageError =>
  new UsageError(
    `give --config or --like, not both; to change the lab of --like ${like}, save it and go on with the file: sealpost config show --text --secrets --like ${like} > lab.yaml`,
  )

/** Returns the YAML in `SEALPOST_CONFIG`, which may be in base64. */
function yamlIn(text: string): string {
  // Base64 contains no spaces or colons, and every configuration contains a colon.
  const compact = text.replaceAll(/\s/g, '')
  return /^[A-Za-z0-9+/_-]+=*$/.test(compact) ? Buffer.from(compact, 'base64').toString('utf8') : text
}

const noWarnings = async (): Promise<readonly string[]> => []

function fromFile(name: string): Source {
  const file = resolve(name)
  const read = async (): Promise<string> => {
    const { readConfigFile } = await import('../../core/config/yaml.ts')
    return readConfigFile(name)
  }
  return { name, identity: file, file, warnings: noWarnings, folder: dirname(file), read }
}

function fromText(text: string, name: string, folder: string): Source {
  return { name, identity: `${name} ${folder}`, warnings: noWarnings, folder, read: async () => text }
}

/** The configuration of `--like`. Other commands find the running lab by the name of the tool alone. */
function fromTool(tool: string, { likeFlags = [] }: ConfigurationOptions): Source {
  const open = async () => (await import('../like/index.ts')).likeLab(tool, likeFlags)
  return {
    name: `--like ${tool}`,
    identity: `--like ${tool}`,
    warnings: async () => (await open()).notes,
    folder: process.cwd(),
    read: async () => (await open()).text,
  }
}

/** Returns the values of options that replace those of the configuration. */
export function optionOverrides({ portOffset, logLevel, pcap, secrets }: ConfigurationOptions): Override[] {
  const overrides: Override[] = []
  if (portOffset !== undefined) overrides.push({ origin: '--port-offset', path: ['portOffset'], value: portOffset })
  if (logLevel !== undefined) overrides.push({ origin: '--log-level', path: ['logLevel'], value: logLevel })
  if (pcap !== undefined) {
    const value = { file: resolve(pcap), secrets: secrets ?? true }
    overrides.push({ origin: '--pcap', path: ['testing', 'packets'], value })
  }
  return overrides
}
