import { dirname, resolve } from 'node:path'
import pino from 'pino'
import { presentPath } from '../core/config/deprecations.ts'
import { type LoadedConfig, loadObject } from '../core/config/load.ts'
import type { ResolvedLab } from '../core/config/resolve.ts'
import { type LabInput, labKeys } from '../core/config/schema.ts'
import { withTestDefaults } from '../core/config/test-defaults.ts'
import { systemClock } from '../core/time/clock.ts'
import { isMapping } from '../core/values/mapping.ts'
import type { ConfigurationSource, OpenedConfiguration } from '../lab/configuration/source.ts'
import { createLab } from '../lab/create-lab.ts'
import type { Call } from './calls/call.ts'
import { LabClock } from './lab/clock.ts'
import { watchLab } from './lab/open-labs.ts'
import { Arrivals } from './received/arrivals.ts'
import type { StartLabOptions } from './start-lab.ts'
import { TestLab } from './test-lab.ts'

/** Starts the lab of a call of `startLab`. @throws as `startLab` */
export async function openTestLab(call: Call, config: LabInput | string, options: StartLabOptions): Promise<TestLab> {
  // No schema is built for the usual values: every test file waits for this.
  if (!isConfig(config)) call.check('config', config, 'config')
  if (Object.keys(options ?? { log: null }).length > 0) checkOptions(call, options)
  const { log = pino({ level: 'silent' }) } = options
  const source = sourceOf(config)
  const opened = await source.open()
  const configuration = { source, opened }
  const lab = await createLab(opened.loaded.lab, {
    log,
    clock: options.clock ?? systemClock,
    isBackground: true,
    configuration,
  })
  const clock = new LabClock(lab.clock)
  const testLab = new TestLab(lab, await Arrivals.of(lab.store, lab.directory), clock, (next = config) =>
    sourceOf(next),
  )
  watchLab(testLab, call.place)
  return testLab
}

const isConfig = (config: unknown): boolean => typeof config === 'string' || isMapping(config)

/** @throws TypeError; it says so if an option is a key of the configuration, which is the first argument */
function checkOptions(call: Call, options: StartLabOptions): void {
  const misplaced = Object.keys(options ?? {}).filter((key) => Object.hasOwn(labKeys, presentPath([key])[0] ?? key))
  if (misplaced.length === 0) return call.check('startOptions', options, 'options')
  const [key] = misplaced
  throw call.mistake(
    `options.${key}: is a key of the configuration: write it into the first argument, startLab({ ${key}: … })`,
  )
}

/** Resolves a configuration: a file's as it stands, an object's with the defaults that suit tests. @throws ConfigError */
export const resolveForTests = async (config: LabInput | string): Promise<ResolvedLab> =>
  (await sourceOf(config).open()).loaded.lab

/** Returns the source of a configuration. The YAML parser is loaded only for files and for changes over the API. */
function sourceOf(config: LabInput | string): ConfigurationSource {
  const [file, name] = typeof config === 'string' ? [resolve(config), config] : [undefined, 'startLab()']
  const folder = file === undefined ? process.cwd() : dirname(file)
  const load = async (text: string): Promise<LoadedConfig> => {
    const { loadText } = await import('../core/config/yaml.ts')
    return loadText(text, name, folder)
  }
  const read = async (): Promise<string> => {
    const { readConfigFile, yamlText } = await import('../core/config/yaml.ts')
    return typeof config === 'string' ? readConfigFile(config) : yamlText(withTestDefaults(config))
  }
  const open = async (): Promise<OpenedConfiguration> => {
    if (typeof config !== 'string') return { loaded: loadObject(withTestDefaults(config), folder) }
    const text = await read()
    return { loaded: await load(text), text }
  }
  return { name, ...(file === undefined ? {} : { file }), overrides: [], read, load, open }
}
