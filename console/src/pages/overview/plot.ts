import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { shortTime } from '../../components/relative-time.tsx'
import type { Series } from './charts.ts'

/** The data of a plot. All lists of values are as long as `times`. */
export interface PlotData {
  readonly kind: 'counts' | 'levels'
  /** Milliseconds, in ascending order. */
  readonly times: readonly number[]
  readonly series: readonly Pick<Series, 'colour' | 'pattern'>[]
  readonly values: readonly (readonly number[])[]
  readonly from: number
  readonly to: number
  readonly top: number
  readonly format: (value: number) => string
}

const HEIGHT_PX = 148
const FONT = '11px system-ui, sans-serif'
/** Width of a digit of the font, for the room of the scale. */
const DIGIT_PX = 6.5
const DASHES: Readonly<Record<Series['pattern'], number[]>> = { solid: [], hatched: [6, 3], dotted: [2, 3] }
const PATTERN_PX = 6
/** Room at the right of the last value. */
const EDGE_PX = 8

/**
 * Draws a plot into a box, in the colours that it has now.
 * @param onPoint called with the index of the time under the pointer, and with undefined when the pointer leaves
 * @returns removes the plot
 */
export function drawPlot(box: HTMLElement, data: PlotData, onPoint: (index: number | undefined) => void): () => void {
  const colour = colours(box)
  const { kind, from, to, top, format } = data
  const isBars = kind === 'counts'
  const plot = new UPlot(
    {
      width: box.clientWidth,
      height: HEIGHT_PX,
      ms: 1,
      legend: { show: false },
      padding: [8, EDGE_PX, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { show: !isBars }, sync: { key: 'overview' } },
      scales: { x: { range: [from, to] }, y: { range: [0, top] } },
      axes: [
        {
          stroke: colour('--text-low'),
          font: FONT,
          size: 24,
          gap: 4,
          space: 72,
          grid: { show: false },
          ticks: { show: false },
          // A label that the edge would cut is left out.
          values: (one, times) =>
            times.map((time) => {
              const x = one.valToPos(time, 'x')
              const text = shortTime(time)
              const half = (text.length * DIGIT_PX) / 2
              return x < half - one.bbox.left / devicePixelRatio ||
                x > one.bbox.width / devicePixelRatio - half + EDGE_PX
                ? ''
                : text
            }),
        },
        {
          stroke: colour('--text-low'),
          font: FONT,
          size: (_, texts) => Math.max(0, ...(texts ?? []).map(({ length }) => length)) * DIGIT_PX + 12,
          gap: 6,
          grid: { stroke: colour('--line'), width: 1 },
          ticks: { show: false },
          splits: () => [0, top / 2, top],
          values: (_, values) => values.map(format),
        },
      ],
      // Reversed, because the lower parts of a stack are drawn last.
      series: [
        {},
        ...data.series
          .map(({ colour: name, pattern }) => ({
            stroke: colour(name),
            width: isBars ? 1 : 1.5,
            dash: isBars ? [] : DASHES[pattern],
            points: { show: false },
            ...(isBars
              ? {
                  fill: patternOf(colour(name), colour('--surface'), pattern),
                  paths: UPlot.paths.bars?.({ size: [0.7, 12], align: 1 }),
                }
              : {}),
          }))
          .toReversed(),
      ] as UPlot.Series[],
      hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? undefined)] },
    },
    [
      [...data.times],
      ...(isBars ? stacked(data.values) : data.values.map((one) => [...one])).toReversed(),
    ] as UPlot.AlignedData,
    box,
  )
  const observer = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT_PX }))
  observer.observe(box)
  return () => {
    observer.disconnect()
    plot.destroy()
  }
}

/** Returns a function that returns the value of a colour. */
function colours(box: HTMLElement): (name: string) => string {
  const probe = document.createElement('span')
  box.append(probe)
  const found = (name: string): string => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }
  queueMicrotask(() => probe.remove())
  return found
}

/** Returns the sums of each list and those before it. Bars of 0 are not drawn. */
const stacked = (lists: readonly (readonly number[])[]): (number | null)[][] =>
  lists.map((list, index) =>
    list.map((value, at) =>
      value === 0 ? null : lists.slice(0, index + 1).reduce((sum, other) => sum + (other[at] ?? 0), 0),
    ),
  )

/** Returns what a bar is filled with. */
function patternOf(colour: string, ground: string, pattern: Series['pattern']): string | CanvasPattern {
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d')
  if (pattern === 'solid' || !context) return colour
  const size = Math.round(PATTERN_PX * devicePixelRatio)
  canvas.width = canvas.height = size
  context.fillStyle = ground
  context.fillRect(0, 0, size, size)
  context.fillStyle = context.strokeStyle = colour
  context.lineWidth = size / 3
  context.beginPath()
  if (pattern === 'dotted') {
    context.arc(size / 2, size / 2, size / 3.5, 0, 2 * Math.PI)
    context.fill()
  } else {
    for (const x of [-size, 0, size]) {
      context.moveTo(x - size / 2, size * 1.5)
      context.lineTo(x + size * 1.5, -size / 2)
    }
    context.stroke()
  }
  return context.createPattern(canvas, 'repeat') ?? colour
}
