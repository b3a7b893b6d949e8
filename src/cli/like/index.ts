import { yamlText } from '../../core/config/yaml.ts'
import { labLike } from './lab.ts'
import { loadTool } from './tools.ts'

/** The configuration of `--like`, as a user could have written it. */
interface LikeText {
  readonly text: string
  readonly notes: readonly string[]
}

/** Returns the configuration of the lab that takes the place of a tool in this process's environment. @throws ConfigError, UsageError */
export async function likeLab(name: string, flags: readonly string[]): Promise<LikeText> {
  const { lab, notes } = labLike(await loadTool(name), { environment: process.env, flags, cwd: process.cwd() })
  return { text: `# The lab of sealpost start --like ${name}\n${yamlText(lab)}`, notes }
}
