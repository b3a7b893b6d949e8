import type { Command } from 'commander'
import { deprecationOf } from '../../core/config/deprecations.ts'
import { type Override, presentOverride } from '../../core/config/load.ts'
import { pathText } from '../../core/config/mistakes.ts'
import { note, noteWarning, print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface MigrateOptions {
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** Adds `sealpost config migrate`. */
export function addMigrate(config: Command): void {
  config
    .command('migrate')
    .argument('<file>', 'YAML file of a lab')
    .description('rewrite deprecated keys of a file in their present form; comments and formatting stay')
    .option('--dry-run', 'only show what would change')
    .addOption(sharedOptions.json)
    .action(migrate)
}

async function migrate(file: string, { dryRun = false, json }: MigrateOptions): Promise<void> {
  const [{ readConfigFile }, { migrateYaml }, { differenceOf }, { readEnvironment }] = await Promise.all([
    import('../../core/config/yaml.ts'),
    import('../../core/config/edit/migrate-yaml.ts'),
    import('../../api/configuration/difference.ts'),
    import('../../core/config/environment.ts'),
  ])
  const before = await readConfigFile(file)
  const { text, changes } = migrateYaml(before, file)
  const { diff } = differenceOf(before, text, file)
  const { overrides, deprecated } = readEnvironment(process.env, process.cwd())
  const variables = [...deprecated, ...overrides.flatMap(deprecatedValues)]
  const written = !dryRun && text !== before
  if (written) await (await import('../../core/files/replace-file.ts')).replaceFile(file, text)
  if (json) return print(JSON.stringify({ file, changes, diff, written, variables }))
  for (const line of variables) noteWarning(line)
  process.stdout.write(diff)
  for (const line of changes) note(line)
  note(summary(changes.length, written))
}

function summary(changes: number, written: boolean): string {
  if (changes === 0) return 'Every key has its present form. Nothing was changed.'
  return written ? 'Written.' : 'Nothing was written, because of --dry-run.'
}

/** Returns a line for each deprecated key in the value of a variable, which only the owner of the variable can change. */
function deprecatedValues(override: Override): string[] {
  const { origin, keys, path, named = path.length } = presentOverride(override)
  return keys.map((key) => {
    const { path: at, message } = deprecationOf(key)
    return `${origin}: ${pathText(at.slice(named))}: ${message}`
  })
}
