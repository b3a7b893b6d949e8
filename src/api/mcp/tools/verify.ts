import { z } from 'zod'
import type { CheckOutcome, Finding, reportJson } from '../../../checks/verify/index.ts'
import { flag } from '../../input-types.ts'
import { operationNamed } from '../../invoke.ts'
import { callOperation } from '../lab.ts'
import { READS_UNTRUSTED, type Tool } from '../tool.ts'
import { asksForAll, neverAborted, resultOfJob } from './job.ts'

const outcomes = ['pass', 'fail', 'warn', 'not-applicable'] as const satisfies CheckOutcome[]

const isNotable = ({ outcome }: Finding): boolean => outcome === 'fail' || outcome === 'warn'

export const verifyServer: Tool = {
  name: 'verify_server',
  title: 'Verify a server',
  description:
    'Connects as a client to the virtual servers of the lab, or to a server at a loopback address or in `testing.verify.targets` of the configuration, and examines TLS versions and suites, the certificate, log-on in clear text, STARTTLS attacks and more. Answers the failures and warnings. Takes up to a few minutes for all checks; `only` names some: tls, chain, names, dates, versions, suites …',
  operation: 'verify.start',
  input: operationNamed('verify.start').input.extend({
    all: flag.optional().describe('Also return the checks that passed or did not apply.'),
  }),
  output: z.object({
    ok: z.boolean(),
    counts: z.record(z.enum(outcomes), z.number().int()),
    verdict: z.string(),
    endpoints: z.array(
      z.looseObject({
        name: z.string(),
        protocol: z.string(),
        host: z.string(),
        port: z.number().int(),
        checks: z.array(
          z.looseObject({ check: z.string(), title: z.string(), outcome: z.enum(outcomes), words: z.string() }),
        ),
      }),
    ),
  }),
  // Certificates and replies are what another server sends.
  hints: READS_UNTRUSTED,
  isUntrusted: true,
  async run(call) {
    const { all, ...wanted } = call.input
    const isAll = asksForAll(all)
    const { id } = await callOperation(call.lab, 'verify.start', wanted, neverAborted())
    const { endpoints, ...summary } = await resultOfJob<ReturnType<typeof reportJson>>(call, id)
    const isShown = isAll ? () => true : isNotable
    return { ...summary, endpoints: endpoints.map((one) => ({ ...one, checks: one.checks.filter(isShown) })) }
  },
}
