/** One value of a metric. */
export interface Sample {
  /** Appended to the name of the family: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/** A metric with all its values. The name of a counter ends with `_total`. */
export interface MetricFamily {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** A sentence without line breaks. */
  readonly help: string
  readonly samples: readonly Sample[]
}

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Returns metrics in Prometheus's text form. https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const prometheusText = (families: readonly MetricFamily[]): string =>
  families.map((family) => familyText(family, family.name)).join('')

/**
 * Returns metrics in the form of OpenMetrics, where a counter's family has its name without `_total`.
 * https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export const openMetricsText = (families: readonly MetricFamily[]): string =>
  `${families.map((family) => familyText(family, family.name.replace(/_total$/, ''))).join('')}# EOF\n`

function familyText({ name, type, help, samples }: MetricFamily, title: string): string {
  const lines = samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${labelText(labels)} ${number(value)}`)
  return [`# HELP ${title} ${help}`, `# TYPE ${title} ${type}`, ...lines, ''].join('\n')
}

function labelText(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escapeLabel = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

function number(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
