import type { Finding } from '../../core/config/mistakes.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import { compileScript } from '../../mail/sieve/sieve.ts'
import { mistakeText } from '../../mail/sieve/types.ts'

/** Returns the mistakes of the Sieve scripts of a configuration. Those of a file have its name, line and column. */
export function scriptMistakes({ directory, mail }: ResolvedLab): Finding[] {
  return directory.accounts.flatMap(({ sieve, sieveFile }, index) => {
    const compiled = sieve === undefined ? undefined : compileScript(sieve, { scriptOctets: mail.sieve.scriptSize })
    if (!compiled || !('errors' in compiled)) return []
    return compiled.errors.map((mistake) => ({
      path: ['directory', 'accounts', index, sieveFile === undefined ? 'sieve' : 'sieveFile'],
      message:
        sieveFile === undefined
          ? mistakeText(mistake)
          : `${sieveFile}:${mistake.line}:${mistake.column}: ${mistake.message}`,
      severity: 'error' as const,
    }))
  })
}

/** @throws Error for a script of the configuration that has mistakes */
export function checkScripts(config: ResolvedLab): void {
  const found = scriptMistakes(config)
  if (found.length > 0)
    throw new Error(
      found.map(({ path, message }) => `directory.accounts[${path[2]}].${path[3]}: ${message}`).join('\n'),
    )
}
