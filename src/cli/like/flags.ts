import { nearestWord } from '../../core/config/nearest.ts'
import { likeTitles } from '../../core/config/schema/like.ts'
import { UsageError } from '../shared/failure.ts'
import type { GivenSetting, Setting, Tool } from './tool.ts'

/**
 * Returns the settings in the command line of a tool: `--flag VALUE`, `--flag=VALUE`, `-f VALUE`, and `-flag` as in Go.
 * @throws UsageError for an unknown flag, or one without its value
 */
export function readFlags(tool: Tool, args: readonly string[]): Map<Setting, GivenSetting> {
  const found = new Map<Setting, GivenSetting>()
  const rest = [...args]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, origin = '', , inline] = /^(--?[^=]+)(=(.*))?$/s.exec(word) ?? []
    if (origin === '') throw new UsageError(`${word} is not a flag of ${likeTitles[tool.name]}`)
    if (tool.foreignFlags?.pattern.test(word)) {
      found.set({ missing: tool.foreignFlags.why, flags: [word] }, { origin: word, value: '' })
      continue
    }
    const setting = tool.settings.find(({ flags = [] }) =>
      flags.some((flag) => withoutHyphens(flag) === withoutHyphens(origin)),
    )
    if (!setting) throw unknownFlag(tool, origin)
    const hasNone = setting.isSwitch || (setting.isOptional && (rest[0] ?? '-').startsWith('-'))
    const value = inline ?? (hasNone ? 'true' : rest.shift())
    if (value === undefined) throw new UsageError(`${origin} needs a value`)
    const before = setting.isRepeated ? found.get(setting)?.value : undefined
    found.set(setting, { origin, value: before === undefined ? value : `${before}\n${value}` })
  }
  return found
}

/** Returns a flag without its hyphens. */
const withoutHyphens = (flag: string): string => flag.replace(/^--?/, '')

function unknownFlag({ name, settings }: Tool, origin: string): UsageError {
  const known = settings.flatMap(({ flags = [] }) => flags.filter((flag) => flag.length > 2))
  const near = nearestWord(withoutHyphens(origin), known.map(withoutHyphens))
  return new UsageError(
    `${origin} is not a flag of ${likeTitles[name]}${near === undefined ? '' : `; did you mean ${known.find((flag) => withoutHyphens(flag) === near)}?`}`,
  )
}
