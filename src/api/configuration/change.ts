import { z } from 'zod'
import { presentForm, presentPath } from '../../core/config/deprecations.ts'
import { type ConfigChange, editYaml } from '../../core/config/edit/edit-yaml.ts'
import { isBelow, presentOverride } from '../../core/config/load.ts'
import { ConfigError, type Path, pathText, pointerOf, valueAt } from '../../core/config/mistakes.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import { MASK, secretPaths } from '../../core/config/secrets.ts'
import { keysForNextStart } from '../../core/config/start-keys.ts'
import { parseText } from '../../core/config/yaml.ts'
import type { Caller } from '../caller.ts'
import type { ApiLab } from '../lab.ts'
import { ApiProblem } from '../problem.ts'
import { problemOf } from '../problem-of.ts'
import { assertVersion, ifMatchOf, versionOf } from '../version.ts'
import { difference, differenceOf } from './difference.ts'
import { recordChange, recordedChange, textWithout } from './history.ts'
import { assertNoNewFiles, assertNoNewMachineValues, assertSameDestinations } from './machine-values.ts'
import type { ApiConfiguration, Reloaded } from './types.ts'

/** The parameters of every change. */
export const changeInput = {
  dryRun: z.boolean().default(false).describe('Only returns what would change.'),
  ifMatch: ifMatchOf('the configuration'),
}

export const changeAnswer = z
  .object({
    applied: z.boolean().describe('False for a dry run, and if the change makes no difference.'),
    durable: z.boolean().describe('Whether the change is written to a file. Otherwise it lasts until the lab stops.'),
    etag: z.string().describe('Entity tag of the configuration after this request, for `ifMatch` of the next change.'),
    ...difference,
    warnings: z.array(z.string()),
    afterRestart: z
      .array(z.object({ pointer: z.string(), message: z.string() }))
      .describe('Changed keys that take effect at the next start of the lab.'),
  })
  .meta({ id: 'ConfigurationChange' })

/** A lab with a configuration. */
interface Configurable {
  /** Without a store, as for a file that no lab runs, changes have no history. */
  readonly lab: Pick<ApiLab, 'config' | 'configuration'> & Partial<Pick<ApiLab, 'store'>>
}

export type ConfigurationChange = z.infer<typeof changeAnswer>

interface ChangeOptions {
  readonly dryRun: boolean
  readonly ifMatch?: string | undefined
}

/** Returns the configuration. @throws ApiProblem `conflict` if the lab does not know where it comes from */
export function configurationOf({ lab }: Configurable): ApiConfiguration {
  if (lab.configuration) return lab.configuration
  throw new ApiProblem('conflict', 'this lab has no configuration that can be changed; start it with `sealpost start`')
}

/** Returns why a caller cannot change the configuration; undefined if it can. */
export function whyLocked({ lab: { config } }: Configurable, { virtualServer }: Caller): string | undefined {
  const server = config.virtualServers.find(({ name }) => name === virtualServer)
  if (!server?.configurationLocked) return undefined
  return `the virtual server "${server.name}" has configurationLocked: true; change the configuration on the machine, with: sealpost config set`
}

/** @throws ApiProblem `forbidden` */
export function assertUnlocked(api: Configurable, caller: Caller): void {
  const why = whyLocked(api, caller)
  if (why !== undefined) throw new ApiProblem('forbidden', why)
}

/** How often a change is made again because someone else has changed the file meanwhile. */
const MAX_ATTEMPTS = 5

/**
 * Changes the configuration: validates it as a whole, writes it, and applies it. Nothing has changed if this fails.
 * @param changesOf returns the changes of the configuration as it was written
 * @throws ApiProblem, ConfigError
 */
export function changeConfiguration(
  api: Configurable,
  caller: Caller,
  changesOf: (content: unknown) => readonly ConfigChange[],
  options: ChangeOptions,
): Promise<ConfigurationChange> {
  return changeText(api, caller, (text, content, name) => editYaml(text, name, changesOf(content)), options)
}

/** Takes back a change of the history. Later changes stay. @throws ApiProblem, ConfigError, StoreError */
export async function undoChange(
  api: Configurable & { readonly lab: Pick<ApiLab, 'store'> },
  caller: Caller,
  id: string,
  options: ChangeOptions,
): Promise<ConfigurationChange> {
  const recorded = await recordedChange(api.lab.store, id)
  const edit: TextEdit = (text) => ({ text: textWithout(recorded, text), paths: [] })
  return changeText(api, caller, edit, { ...options, undoes: id })
}

/** Returns a changed text, and the places of the changed values. */
type TextEdit = (text: string, content: unknown, name: string) => ReturnType<typeof editYaml>

function changeText(
  api: Configurable,
  caller: Caller,
  edit: TextEdit,
  options: ChangeOptions & { readonly undoes?: string },
): Promise<ConfigurationChange> {
  assertUnlocked(api, caller)
  const configuration = configurationOf(api)
  return configuration.exclusively(async () => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const before = await configuration.text()
      assertVersion(options.ifMatch, versionOf(before), { what: 'the configuration', path: '/configuration' })
      const contentOf = (one: string) => presentForm(parseText(one, configuration.name).content()).value
      const { text, paths } = edit(before, contentOf(before), configuration.name)
      assertNoMasks(text, configuration.name)
      assertNoNewFiles(caller, contentOf(before), contentOf(text))
      const { loaded, warnings } = await configuration.check(text)
      assertNoNewMachineValues(caller, configuration.loaded.lab, loaded.lab)
      assertSameDestinations(caller, configuration.loaded.lab, loaded.lab)
      const given = [
        ...warnings,
        ...overrideWarnings(paths, configuration),
        ...addressWarnings(caller, api.lab.config, loaded.lab),
      ]
      const isApplied = !options.dryRun && text !== before
      const reloaded = isApplied ? await replace(configuration, before, text, loaded) : NOTHING
      if (!reloaded) continue
      if (isApplied) given.push(...(await record(api, { before, after: text, caller, undoes: options.undoes })))
      return {
        applied: isApplied,
        durable: configuration.file !== undefined,
        etag: versionOf(isApplied ? text : before),
        ...differenceOf(before, text, configuration.name),
        warnings: given,
        afterRestart: afterRestart(
          options.dryRun ? keysForNextStart(api.lab.config, loaded.lab) : reloaded.afterRestart,
        ),
      }
    }
    throw new ApiProblem('conflict', `${configuration.name} changes all the time; try again later`)
  })
}

/** Writes a change to the history. The change is in use already, so that a failure is a warning. */
async function record(api: Configurable, change: Omit<Parameters<typeof recordChange>[1], 'name'>): Promise<string[]> {
  const { store } = api.lab
  if (!store) return []
  try {
    await recordChange(store, { ...change, name: configurationOf(api).name })
    return []
  } catch (error) {
    return [`the history does not have this change: ${(error as Error).message}`]
  }
}

const NOTHING: Reloaded = { warnings: [], afterRestart: [] }

export const afterRestart = (keys: readonly string[]): { pointer: string; message: string }[] =>
  keys.map((key) => ({ pointer: `/${key}`, message: 'takes effect at the next start of the lab' }))

/** @throws ApiProblem `conflict` if the lab cannot use the configuration; the old one is then in its place again */
async function replace(
  configuration: ApiConfiguration,
  ...[from, to, loaded]: Parameters<ApiConfiguration['replace']>
): Promise<Reloaded | undefined> {
  try {
    return await configuration.replace(from, to, loaded)
  } catch (error) {
    if (error instanceof ConfigError || problemOf(error).problem !== 'internal') throw error
    throw new ApiProblem('conflict', `not applied, and nothing has changed: ${(error as Error).message}`)
  }
}

/** A mask that a caller has read is not a secret. @throws ApiProblem `invalid` */
function assertNoMasks(text: string, name: string): void {
  const content = parseText(text, name).content()
  const masked = secretPaths(content).filter((path) => valueAt(content, path) === MASK)
  if (masked.length === 0) return
  const errors = masked.map((path) => ({
    pointer: pointerOf(path),
    message: `is ${MASK}, which stands for a secret that is not shown; leave it out, or write the secret`,
  }))
  throw new ApiProblem('invalid', errors.map(({ pointer, message }) => `${pointer}: ${message}`).join('; '), { errors })
}

/** Returns a warning for each changed value that a variable or option replaces. */
const overrideWarnings = (paths: readonly Path[], { overrides }: ApiConfiguration): string[] =>
  paths.flatMap((path) =>
    overrides
      .filter((one) => isBelow(presentPath(path), presentOverride(one).path))
      .map(({ origin }) => `${pathText(path)}: ${origin} replaces it; the change takes effect without ${origin}`),
  )

/** Returns a warning if the caller must use another address from now on. */
function addressWarnings({ virtualServer }: Caller, from: ResolvedLab, to: ResolvedLab): string[] {
  const of = ({ virtualServers }: ResolvedLab) => virtualServers.find(({ name }) => name === virtualServer)
  const [before, after] = [of(from), of(to)]
  if (!before) return []
  if (!after) return [`the virtual server of this request, "${before.name}", is removed`]
  const places = ({ address, port, tlsPort }: typeof before): string => `${address}, port ${port}, TLS port ${tlsPort}`
  return places(before) === places(after)
    ? []
    : [`the virtual server of this request, "${after.name}", moves to ${places(after)}`]
}
