import { ChartColumn, Table2 } from 'lucide-preact'
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { Button } from '../../components/button.tsx'
import { shortTime } from '../../components/relative-time.tsx'
import { isDark, isHighContrast } from '../../state/media.ts'
import { language, theme } from '../../state/preferences.ts'
import { t } from '../../texts/index.ts'
import type { Chart } from './charts.ts'
import { drawPlot, type PlotData } from './plot.ts'
import { type Hour, minutesOf, perMinute } from './samples.ts'

const MINUTE_MS = 60_000

/** A chart with its values in words, and the same as a table. */
export function ChartFigure({ chart, hour }: { readonly chart: Chart; readonly hour: Hour }) {
  const id = useId()
  const [isTable, setTable] = useState(false)
  const [point, setPoint] = useState<number>()
  const data = useMemo(() => dataOf(chart, hour), [chart, hour])
  const title = t(chart.title)
  return (
    <figure class="chart" aria-labelledby={id}>
      <figcaption>
        <h3 id={id}>{chart.path ? <Link href={chart.path}>{title}</Link> : title}</h3>
        <span class="chart-when">
          {point === undefined
            ? t(chart.kind === 'counts' ? 'overview.inAll' : 'overview.now')
            : shortTime(data.times[point] ?? 0)}
        </span>
        <Button
          kind="plain"
          icon={isTable ? ChartColumn : Table2}
          label={t(isTable ? 'overview.asChart' : 'overview.asTable', { title })}
          onClick={() => setTable(!isTable)}
        />
      </figcaption>
      <ul class="chart-legend">
        {chart.series.map(({ name, colour, pattern }, index) => (
          <li key={name}>
            <span class={`swatch ${chart.kind} ${pattern}`} style={{ color: `var(${colour})` }} aria-hidden="true" />
            {t(name)} <strong>{chart.format(shownValue(data, index, point))}</strong>
          </li>
        ))}
      </ul>
      {isTable ? (
        <ValueTable chart={chart} data={data} />
      ) : (
        <Plot data={data} summary={summaryOf(chart, data)} onPoint={setPoint} />
      )}
    </figure>
  )
}

/** The canvas. It is drawn again when its values or its colours change. */
function Plot({
  data,
  summary,
  onPoint,
}: {
  readonly data: PlotData
  readonly summary: string
  readonly onPoint: (index: number | undefined) => void
}) {
  const box = useRef<HTMLDivElement>(null)
  const look = `${theme.value} ${isDark.value} ${isHighContrast.value} ${language.value}`
  useEffect(() => (box.current ? drawPlot(box.current, data, onPoint) : undefined), [data, look, onPoint])
  return <div ref={box} class="chart-plot" role="img" aria-label={summary} />
}

function dataOf({ kind, series, format, top }: Chart, hour: Hour): PlotData {
  const minutes = minutesOf(hour)
  const samples = [...hour.samples, hour.now]
  const isCounts = kind === 'counts'
  const values = series.map(({ valueOf }) => (isCounts ? perMinute(hour, valueOf) : samples.map(valueOf)))
  const sums = values[0]?.map((_, at) => values.reduce((sum, list) => sum + (list[at] ?? 0), 0)) ?? []
  return {
    kind,
    series,
    format,
    values,
    times: isCounts ? minutes : samples.map(({ at }) => Date.parse(at)),
    from: minutes[0] ?? 0,
    to: (minutes.at(-1) ?? 0) + MINUTE_MS,
    top: top(Math.max(0, ...(isCounts ? sums : values.flat()))),
  }
}

/** Returns the value under the pointer; without one, the sum of the hour, or the latest level. */
function shownValue({ kind, values }: PlotData, index: number, point: number | undefined): number {
  const list = values[index] ?? []
  if (point !== undefined) return list[point] ?? 0
  return kind === 'counts' ? list.reduce((sum, value) => sum + value, 0) : (list.at(-1) ?? 0)
}

/** Says in a sentence what the chart shows. */
function summaryOf({ title, series, kind, format }: Chart, data: PlotData): string {
  const parts = series.map(({ name }, index) => {
    const list = data.values[index] ?? []
    const peak = Math.max(0, ...list)
    const values = {
      name: t(name),
      value: format(shownValue(data, index, undefined)),
      peak: format(peak),
      time: shortTime(data.times[list.indexOf(peak)] ?? data.to),
    }
    if (kind === 'levels') return t('overview.summaryLevel', values)
    return t(peak === 0 ? 'overview.summaryNone' : 'overview.summaryCount', values)
  })
  return `${t(title)}. ${parts.join(' ')}`
}

/** The values of the chart: of each minute with any, or of every fifth minute. The newest is first. */
function ValueTable({ chart, data }: { readonly chart: Chart; readonly data: PlotData }) {
  const rows = rowsOf(data)
  const caption = `${t(chart.title)}, ${t('overview.lastHour')}`
  return (
    <section class="chart-table" tabIndex={0} aria-label={caption}>
      <table class="table">
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{t('overview.time')}</th>
            {chart.series.map(({ name }) => (
              <th key={name} scope="col" class="number">
                {t(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, values }) => (
            <tr key={time}>
              <th scope="row">{shortTime(time)}</th>
              {values.map((value, index) => (
                <td key={chart.series[index]?.name} class="number">
                  {chart.format(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p class="hint">{t('overview.nothing')}</p>}
    </section>
  )
}

const ROW_MS = 5 * MINUTE_MS

function rowsOf({ kind, times, values }: PlotData): { readonly time: number; readonly values: readonly number[] }[] {
  const all = times.map((time, at) => ({ time, values: values.map((list) => list[at] ?? 0) })).toReversed()
  if (kind === 'counts') return all.filter((row) => row.values.some((value) => value > 0))
  // The first sample of each five minutes, from the newest on.
  return all.filter(
    ({ time }, at) => at === 0 || Math.floor(time / ROW_MS) !== Math.floor((all[at - 1]?.time ?? 0) / ROW_MS),
  )
}
