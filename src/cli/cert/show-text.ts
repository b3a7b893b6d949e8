import type { DistinguishedName } from '../../pki/x509/name.ts'
import { formatName } from '../../pki/x509/name.ts'

/** Lines of `title: value`, the values in one column; a list takes a line each. */
export function page(rows: readonly (readonly [string, string | readonly string[] | undefined])[]): string {
  const shown = rows.filter(([, value]) => value !== undefined && value.length > 0)
  const width = Math.max(0, ...shown.map(([title]) => title.length)) + 2
  return shown
    .flatMap(([title, value]) =>
      [value ?? []].flat().map((line, index) => (index === 0 ? `${title}:` : '').padEnd(width) + line),
    )
    .join('\n')
}

export const nameText = (name: DistinguishedName): string => formatName(name) || '(empty)'

/** 2026-11-25. */
export const dayText = (date: string | Date): string =>
  (typeof date === 'string' ? date : date.toISOString()).slice(0, 10)
