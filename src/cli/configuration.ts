import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { packageFolder } from '../common/folders.ts'
import type { LoadedConfig, Override } from '../config/load.ts'
import type { ConfigurationSource } from '../lab/configuration/source.ts'

/** Options that select the configuration and override its keys. */
export interface ConfigurationOptions {
  readonly config?: string
  readonly portOffset?: number
  readonly logLevel?: string
  readonly capture?: string
  /** False with `--no-secrets`. */
  readonly secrets?: boolean
}

export interface Configuration extends LoadedConfig {
  /** Its name in messages. */
  readonly name: string
  /** Identifies the running labs of this configuration. */
  readonly identity: string
}

const DEFAULT_FILE = 'config/default.yaml'

/** Adds `--config`. */
export function withConfig(command: Command): Command {
  return command.option('-c, --config <file>', `YAML file of the lab (default: ${DEFAULT_FILE})`)
}

/** Returns the option that selects the same configuration in another command, after a space; empty for the default. */
export const configOption = (file: string | undefined): string =>
  file === undefined ? '' : ` --config ${file.includes(' ') ? JSON.stringify(file) : file}`

/**
 * Reads the configuration: `--config`, else `SEALPOST_CONFIG_FILE`, else `SEALPOST_CONFIG`, else `config/default.yaml` in the working directory, else
 * the default of the package.
 * @throws ConfigError
 */
export async function loadConfiguration(options: ConfigurationOptions): Promise<Configuration> {
  const source = await configurationSource(options)
  const { loaded } = await source.open()
  const { name, identity } = chooseSource(options.config)
  return { ...loaded, warnings: [...source.notes, ...loaded.warnings], name, identity }
}

/** The source of a configuration on the command line. */
interface CommandSource extends ConfigurationSource {
  /** Warnings about the environment and the options. */
  readonly notes: readonly string[]
}

/** Returns where the configuration comes from, with the values of the environment and the options. */
export async function configurationSource(options: ConfigurationOptions): Promise<CommandSource> {
  const { readEnvironment } = await import('../config/environment.ts')
  const settings = readEnvironment(process.env, process.cwd())
  const { name, file, warnings, read, folder } = chooseSource(options.config)
  const overrides = [...settings.overrides, ...optionOverrides(options)]
  const load = async (text: string): Promise<LoadedConfig> => {
    const { loadText } = await import('../config/yaml.ts')
    return loadText(text, name, folder, overrides)
  }
  return {
    name,
    ...(file === undefined ? {} : { file }),
    overrides,
    notes: [...settings.warnings, ...warnings],
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
  return chooseSource(options.config)
}

interface Source {
  readonly name: string
  readonly identity: string
  /** Absolute path, if changes can be written to it. */
  readonly file?: string
  readonly warnings: readonly string[]
  /** Folders in it are relative to this one. */
  readonly folder: string
  readonly read: () => Promise<string>
}

function chooseSource(option: string | undefined): Source {
  const inline = inlineConfiguration()
  const file = option ?? (process.env.SEALPOST_CONFIG_FILE || undefined)
  if (file !== undefined) {
    return fromFile(
      file,
      inline === undefined
        ? []
        : [`SEALPOST_CONFIG is ignored because of ${option === undefined ? 'SEALPOST_CONFIG_FILE' : '--config'}`],
    )
  }
  if (inline !== undefined) return fromText(inline, 'SEALPOST_CONFIG', process.cwd())
  if (existsSync(DEFAULT_FILE)) return fromFile(DEFAULT_FILE, [])
  // An installed package has no folder for certificates. They are stored in the user's data folder, so that
  // the root certificate stays the same.
  const text = readFileSync(join(packageFolder, DEFAULT_FILE), 'utf8')
  const data = process.env.XDG_DATA_HOME || join(homedir(), '.local/share')
  return fromText(text, `${DEFAULT_FILE} of the package`, join(data, 'sealpost/config'))
}

/** Returns the configuration in `SEALPOST_CONFIG`, which is YAML or base64 of YAML. */
function inlineConfiguration(): string | undefined {
  const text = process.env.SEALPOST_CONFIG
  if (!text) return undefined
  // Base64 contains no spaces or colons, and every configuration contains a colon.
  const compact = text.replaceAll(/\s/g, '')
  return /^[A-Za-z0-9+/_-]+=*$/.test(compact) ? Buffer.from(compact, 'base64').toString('utf8') : text
}

function fromFile(name: string, warnings: readonly string[]): Source {
  const file = resolve(name)
  const read = async (): Promise<string> => {
    const { readConfigFile } = await import('../config/yaml.ts')
    return readConfigFile(name)
  }
  return { name, identity: file, file, warnings, folder: dirname(file), read }
}

function fromText(text: string, name: string, folder: string): Source {
  return { name, identity: `${name} ${folder}`, warnings: [], folder, read: async () => text }
}

function optionOverrides({ portOffset, logLevel, capture, secrets }: ConfigurationOptions): Override[] {
  const overrides: Override[] = []
  if (portOffset !== undefined) overrides.push({ origin: '--port-offset', path: ['portOffset'], value: portOffset })
  if (logLevel !== undefined) overrides.push({ origin: '--log-level', path: ['logLevel'], value: logLevel })
  if (capture !== undefined) {
    const value = { file: resolve(capture), secrets: secrets ?? true }
    overrides.push({ origin: '--capture', path: ['capture'], value })
  }
  return overrides
}
