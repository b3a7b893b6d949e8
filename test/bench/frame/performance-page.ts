import type { Ratio } from './chart.ts'

const markers = (suite: string): [start: string, end: string] => [
  `<!-- bench: ${suite} -->`,
  `<!-- /bench: ${suite} -->`,
]

/** Returns the names of the suites whose tables the page has. */
export const suitesOf = (page: string): string[] =>
  [...page.matchAll(/^<!-- bench: (\S+) -->$/gm)].map(([, name]) => name as string)

/** Replaces the table of a suite, and the line about the machine. @throws Error if the page has no place for it */
export function withTable(page: string, suite: string, text: string): string {
  const [start, end] = markers(suite)
  const [from, to] = [page.indexOf(start), page.indexOf(end)]
  if (from === -1 || to === -1) throw new Error(`the page has no place for this suite: write ${start} and ${end}`)
  return `${page.slice(0, from + start.length)}\n${text}\n${page.slice(to)}`
}

/** Reads the ratios of CPU time out of the tables of the page. Those with another setting of Sealpost are left out, and the floor, a server that nobody uses. */
export function ratiosOf(page: string): Ratio[] {
  return suitesOf(page).flatMap((suite) => {
    const [start, end] = markers(suite)
    const table = page.slice(page.indexOf(start), page.indexOf(end))
    let workload = ''
    let columns: string[] = []
    return table.split('\n').flatMap((line): Ratio[] => {
      if (!line.startsWith('|')) return []
      const cells = line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim())
      if (cells.includes('ratio (CPU)')) columns = cells
      const cell = (name: string): string => cells[columns.indexOf(name)] ?? ''
      if (cell('workload')) workload = cell('workload').replace(/ \(\w+\)$|`/g, '')
      const ratio = Number.parseFloat(cell('ratio (CPU)'))
      const peer = cell('server')
      if (Number.isNaN(ratio) || /^(Sealpost|floor)/.test(peer)) return []
      return [{ suite: suite.toUpperCase(), workload, peer, ratio }]
    })
  })
}
