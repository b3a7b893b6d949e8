import type { DnsDefect } from '../../../core/config/schema/dns.ts'
import { isWithin, normalName } from '../names.ts'

/** Whether a defect is about a name. */
export function concernsName({ name }: DnsDefect, asked: string): boolean {
  if (name === undefined) return true
  const wanted = normalName(name)
  if (!wanted.startsWith('*.')) return wanted === asked
  const parent = wanted.slice(2)
  return asked !== parent && isWithin(asked, parent)
}
