import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import { inlineConfiguration } from '../config/inline.ts'
import type { LoadedConfig, Override } from '../config/load.ts'
import { logLevels } from '../config/schema/values.ts'
import { wholeNumber } from './options.ts'

/** Options by which a command finds and changes its configuration. */
export interface ConfigurationOptions {
  readonly config?: string
  readonly portOffset?: number
  readonly logLevel?: string
  readonly capture?: string
  /** False: `--no-secrets`. */
  readonly secrets?: boolean
}

export interface Configuration extends LoadedConfig {
  /** What it is called in messages. */
  readonly name: string
  /** What a running lab of it is known by. */
  readonly identity: string
}

const DEFAULT_FILE = 'config/default.yaml'

/** Adds `--config`, which every command has. */
export function withConfig(command: Command): Command {
  return command.option('-c, --config <file>', `the lab's YAML file (default: ${DEFAULT_FILE})`)
}

/** Adds the options that override keys of the file. */
export function withOverrideOptions(command: Command): Command {
  return command
    .option('--port-offset <number>', 'added to every port', wholeNumber)
    .addOption(new Option('--log-level <level>', 'least grave level logged').choices(logLevels))
}

/**
 * Reads the configuration that the options and the environment ask for: `--config`, else `SEALPOST_CONFIG`, else
 * `config/default.yaml` here, else the one that comes with the package.
 * @throws ConfigError
 */
export async function loadConfiguration(options: ConfigurationOptions): Promise<Configuration> {
  const { readEnvironment } = await import('../config/environment.ts')
  const settings = readEnvironment(process.env, process.cwd())
  const source = chooseSource(options.config)
  const overrides = [...settings.overrides, ...optionOverrides(options)]
  const loaded = await source.load(overrides)
  return {
    ...loaded,
    warnings: [...settings.warnings, ...source.warnings, ...loaded.warnings],
    name: source.name,
    identity: source.identity,
  }
}

/** What a running lab of the configuration is known by; nothing is read: the configuration itself may be broken. */
export function configurationIdentity(options: ConfigurationOptions): { name: string; identity: string } {
  return chooseSource(options.config)
}

interface Source {
  readonly name: string
  readonly identity: string
  readonly warnings: readonly string[]
  readonly load: (overrides: readonly Override[]) => Promise<LoadedConfig>
}

function chooseSource(file: string | undefined): Source {
  const inline = inlineConfiguration(process.env)
  if (file !== undefined)
    return fromFile(file, inline === undefined ? [] : ['SEALPOST_CONFIG is set aside by --config'])
  if (inline !== undefined) return fromText(inline, 'SEALPOST_CONFIG', process.cwd())
  if (existsSync(DEFAULT_FILE)) return fromFile(DEFAULT_FILE, [])
  // Away from a checkout: the package's example, its certificates in the user's data folder, so that the root stays.
  const text = readFileSync(join(packageFolder, DEFAULT_FILE), 'utf8')
  const data = process.env.XDG_DATA_HOME || join(homedir(), '.local/share')
  return fromText(text, `${DEFAULT_FILE} of the package`, join(data, 'sealpost/config'))
}

function fromFile(file: string, warnings: readonly string[]): Source {
  const load = async (overrides: readonly Override[]): Promise<LoadedConfig> => {
    const { loadFile } = await import('../config/yaml.ts')
    return loadFile(file, overrides)
  }
  return { name: file, identity: resolve(file), warnings, load }
}

function fromText(text: string, name: string, baseDir: string): Source {
  const load = async (overrides: readonly Override[]): Promise<LoadedConfig> => {
    const { loadText } = await import('../config/yaml.ts')
    return loadText(text, name, baseDir, overrides)
  }
  return { name, identity: `${name} ${baseDir}`, warnings: [], load }
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

/** The package's own folder: that of `package.json`, above this file as compiled or as written. */
export const packageFolder: string = findPackage(dirname(fileURLToPath(import.meta.url)))

export const version: string = (
  JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string }
).version

function findPackage(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findPackage(dirname(folder))
}
