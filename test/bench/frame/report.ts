import type { Rate } from './measure.ts'

const whole = new Intl.NumberFormat('en')
const figure = (value: number): string => (value >= 100 ? whole.format(Math.round(value)) : value.toPrecision(3))

/** Returns the rates, except for shapes that cost Sealpost less than another shape of the same work. */
export function worstShapes(rates: readonly Rate[]): readonly Rate[] {
  const worst = new Map<string, Rate>()
  for (const rate of rates.filter(({ contender }) => contender === rates[0]?.contender)) {
    const known = worst.get(rate.work)
    if (!known || rate.perCpuSecond < known.perCpuSecond) worst.set(rate.work, rate)
  }
  return rates.filter(({ work, workload }) => worst.get(work)?.workload === workload)
}

/** Returns one row per workload and contender. The ratio is Sealpost's figure divided by the peer's: above 1, Sealpost is faster. */
export function rateRows(rates: readonly Rate[]): Record<string, string>[] {
  const hasLatencies = rates.some(({ latency }) => latency)
  return rates.map((rate) => {
    const own = rates.find(({ workload }) => workload === rate.workload) ?? rate
    const ratio = (key: 'perSecond' | 'perCpuSecond'): string =>
      rate === own ? '' : `${(own[key] / rate[key]).toFixed(2)}×`
    return {
      workload: rate === own ? `${rate.workload} (${rate.unit})` : '',
      server: rate.contender,
      'per second': figure(rate.perSecond),
      ratio: ratio('perSecond'),
      'per CPU second': figure(rate.perCpuSecond),
      'ratio (CPU)': ratio('perCpuSecond'),
      'spread (CPU)': `${Math.round(rate.spread * 100)} %`,
      ...(hasLatencies && {
        'p50 (ms)': rate.latency ? figure(rate.latency.p50) : '',
        'p99 (ms)': rate.latency ? figure(rate.latency.p99) : '',
      }),
    }
  })
}

/** Returns the rows as a Markdown table, padded so that it is readable as text. */
export function markdown(rows: readonly Record<string, string>[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(columns), rule, ...rows.map((row) => line(columns.map((column) => row[column] ?? '')))].join('\n')
}
