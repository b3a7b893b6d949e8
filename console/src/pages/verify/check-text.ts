import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'
import { allChecks } from './checks.ts'

/** Returns a text about a check in the language of the console; undefined for a check that the console does not know. */
export function checkText(check: string, part: 'title' | 'why' | 'cure'): string | undefined {
  if (!allChecks.includes(check)) return undefined
  return t(`checks.${check}.${part}` as TextKey)
}
