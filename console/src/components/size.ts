import { formatNumber } from '../texts/index.ts'

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB']

/** Returns a size as people read it. */
export function sizeText(octets: number): string {
  // 1,023.6 KB is 1 MB.
  const power = octets < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(octets * (1024 / 1023.5)) / 10))
  const size = octets / 1024 ** power
  return `${formatNumber(Number(size.toFixed(power > 0 && size < 10 ? 1 : 0)))} ${UNITS[power]}`
}
