/** How Sealpost compares with a peer under one workload: CPU time of the peer divided by the CPU time of Sealpost. */
export interface Ratio {
  readonly suite: string
  readonly workload: string
  readonly peer: string
  readonly ratio: number
}

const TITLE = 'CPU time of other servers divided by Sealpost’s (above 1: Sealpost needs less)'
const ROW = 18
const LABEL = 550
const WIDTH = 1090
const TOP = 54
/** The scale is logarithmic. */
const [LEAST, MOST] = [0.25, 64]
const TICKS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64]
const PLOT = WIDTH - LABEL - 70

const at = (ratio: number): number =>
  LABEL + (PLOT * Math.log(Math.min(Math.max(ratio, LEAST), MOST) / LEAST)) / Math.log(MOST / LEAST)
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const label = (ratio: number): string => `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)}×`

/** Draws ratios as bars from 1, one row each, in SVG. Readable on light and dark pages. */
export function chart(ratios: readonly Ratio[]): string {
  const height = TOP + ratios.length * ROW + 12
  const bars = ratios.map(({ suite, workload, peer, ratio }, i) => {
    const y = TOP + i * ROW
    const [left, right] = [Math.min(at(1), at(ratio)), Math.max(at(1), at(ratio))]
    const fill = ratio >= 1 ? '#2f855a' : '#c05621'
    return [
      `<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${escaped(`${suite}, ${workload}: ${peer}`)}</text>`,
      `<rect x="${left.toFixed(1)}" y="${y + 3}" width="${Math.max(1, right - left).toFixed(1)}" height="${ROW - 6}" fill="${fill}"/>`,
      `<text x="${(Math.max(right, at(1)) + 6).toFixed(1)}" y="${y + 13}">${label(ratio)}</text>`,
    ].join('')
  })
  const ticks = TICKS.map(
    (tick) =>
      `<line x1="${at(tick).toFixed(1)}" y1="${TOP - 4}" x2="${at(tick).toFixed(1)}" y2="${height - 8}" stroke="#a0aec0" stroke-width="${tick === 1 ? 1.5 : 0.5}"/>` +
      `<text x="${at(tick).toFixed(1)}" y="${TOP - 10}" text-anchor="middle">${tick}×</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif" font-size="11">`,
    `<title>${TITLE}</title>`,
    '<style>text { fill: #1a202c } @media (prefers-color-scheme: dark) { text { fill: #e2e8f0 } }</style>',
    `<text x="8" y="18" font-size="14">${TITLE}</text>`,
    ...ticks,
    ...bars,
    '</svg>',
    '',
  ].join('\n')
}
