import type { Context } from 'hono'
import type { Api } from '../../src/api/api.ts'
import { type Caller, seesLab } from '../../src/api/caller.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import { assertAcceptable } from './accept.ts'
import type { Env } from './env.ts'

/** Answers with the metrics of the lab, in the form that the client prefers. @throws ApiProblem `forbidden` */
export async function metricsResponse(api: Api, caller: Caller, c: Context<Env>): Promise<Response> {
  if (!seesLab(caller)) {
    throw new ApiProblem('forbidden', 'only administrators and readers see metrics; use a token with the role reader')
  }
  const { traffic } = api.lab.metrics
  if (!traffic) throw new Error('a lab with HTTP has no counts')
  const [{ collect }, form] = await Promise.all([
    import('../../src/api/metrics/collect.ts'),
    import('../../src/api/metrics/exposition.ts'),
  ])
  assertAcceptable(c.req.header('Accept'), [form.OPEN_METRICS_TYPE, form.PROMETHEUS_TYPE])
  const families = await collect(api, traffic)
  const isOpen = c.req.header('Accept')?.includes('application/openmetrics-text')
  return isOpen
    ? c.body(form.openMetricsText(families), 200, { 'Content-Type': form.OPEN_METRICS_TYPE })
    : c.body(form.prometheusText(families), 200, { 'Content-Type': form.PROMETHEUS_TYPE })
}
