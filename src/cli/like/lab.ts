import { resolve } from 'node:path'
import { ConfigError } from '../../core/config/mistakes.ts'
import { nearestWord } from '../../core/config/nearest.ts'
import { likeTitles } from '../../core/config/schema/like.ts'
import type { LabInput } from '../../core/config/schema.ts'
import { readFlags } from './flags.ts'
import type { GivenSetting, Setting, Tool } from './tool.ts'

/** Where the settings of a tool come from. */
interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Flags of the tool. They replace variables. */
  readonly flags: readonly string[]
  /** The folder to which files are relative. */
  readonly cwd: string
}

/** The lab that takes the place of a tool. */
interface LikeLab {
  readonly lab: LabInput
  /** One line for each setting that has no counterpart, is unknown, or means something else. */
  readonly notes: readonly string[]
}

/** Returns the lab that the settings of a tool ask for. @throws ConfigError with every wrong value; UsageError for unknown flags */
export function labLike(tool: Tool, { environment, flags, cwd }: Surroundings): LikeLab {
  const named = (tool.flagVariables ?? []).flatMap((name) => (environment[name] ?? '').split(/\s+/).filter(Boolean))
  const given = new Map([...readVariables(tool, environment), ...readFlags(tool, [...named, ...flags])])
  const draft = tool.draft()
  const mistakes: string[] = []
  const other = (name: string): string | undefined =>
    given.get(tool.settings.find((setting) => nameOf(setting) === name) as Setting)?.value
  const path = (file: string): string => resolve(cwd, file)
  for (const setting of new Set([...tool.settings, ...given.keys()])) {
    const call = given.get(setting)
    if (!call) continue
    if ('missing' in setting) draft.notes.push(`${call.origin}: has no effect: ${setting.missing}`)
    if ('with' in setting && setting.with.every((name) => other(name) === undefined))
      draft.notes.push(`${call.origin}: has no effect without ${setting.with.join(' or ')}`)
    if (!('apply' in setting)) continue
    try {
      setting.apply({ ...call, draft, other, path })
    } catch (error) {
      mistakes.push(`${call.origin}: ${(error as Error).message}`)
    }
  }
  if (mistakes.length === 0) {
    try {
      tool.finish?.(draft, other)
    } catch (error) {
      mistakes.push(`--like ${tool.name}: ${(error as Error).message}`)
    }
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return {
    lab: { ...draft.lab, virtualServers: [...draft.servers.values()] },
    notes: [...draft.notes, ...unknownVariables(tool, environment)],
  }
}

/** Returns the name by which settings refer to each other. */
const nameOf = ({ variable, flags = [] }: Setting): string => variable ?? flags[0] ?? ''

/** Returns the names of the variable of a setting, the current one first. */
const variablesOf = ({ variable, aliases = [] }: Setting): readonly string[] =>
  variable === undefined ? [] : [variable, ...aliases]

function readVariables(tool: Tool, environment: Surroundings['environment']): Map<Setting, GivenSetting> {
  const keyOf = keyIn(tool)
  const set = new Map(Object.entries(environment).flatMap(([name, value]) => (value ? [[keyOf(name), name]] : [])))
  return new Map(
    tool.settings.flatMap((setting): [Setting, GivenSetting][] => {
      // The spelling of the documentation comes before others.
      const [origin] = variablesOf(setting).flatMap((name) => (environment[name] ? name : (set.get(keyOf(name)) ?? [])))
      return origin === undefined ? [] : [[setting, { origin, value: environment[origin] as string }]]
    }),
  )
}

/** Returns the function that makes the names of variables comparable. */
const keyIn =
  ({ ignoresCase }: Tool) =>
  (name: string): string =>
    ignoresCase ? name.toLowerCase() : name

/** Kubernetes sets these for a service that has the name of the tool. */
const OF_KUBERNETES = /_SERVICE_HOST$|_SERVICE_PORT(?:_|$)|_PORT_\d+_TCP(?:_|$)/

function unknownVariables(tool: Tool, environment: Surroundings['environment']): string[] {
  const { name: toolName, prefixes, settings, flagVariables = [] } = tool
  const keyOf = keyIn(tool)
  const known = [...settings.flatMap(variablesOf), ...flagVariables]
  const keys = new Set(known.map(keyOf))
  const unknown = Object.entries(environment).filter(
    ([name, value]) =>
      value &&
      prefixes.some((prefix) => keyOf(name).startsWith(keyOf(prefix))) &&
      !keys.has(keyOf(name)) &&
      !OF_KUBERNETES.test(name),
  )
  return unknown.map(([name]) => {
    const near = nearestWord(name, known)
    return `${name}: unknown variable of ${likeTitles[toolName]}, ignored${near === undefined ? '' : `; did you mean ${near}?`}`
  })
}
