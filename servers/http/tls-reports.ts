import type { Hono } from 'hono'
import type { Api } from '../../src/api/api.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import { composeTlsReport } from '../../src/transport/tls-reports/compose.ts'
import { reportSettings } from '../../src/transport/tls-reports/configured.ts'
import { readTlsReport } from '../../src/transport/tls-reports/read.ts'
import { type TlsReport, TlsReportError } from '../../src/transport/tls-reports/types.ts'
import type { ServerContext } from '../service.ts'
import { bodyOf } from './body.ts'
import type { Env } from './env.ts'

const PATH = '/tls-reports'
const MAX_BODY_OCTETS = 1024 * 1024

/** Returns whether a path is the one to which mail servers send TLS reports. They have no credentials. */
export const isReportPath = (path: string): boolean => path === PATH

/** Adds the path. A report is kept as mail, like those that arrive by mail. RFC 8460 section 5.4. */
export function tlsReportRoutes(app: Hono<Env>, api: Api, context: ServerContext): void {
  app.post(PATH, async (c, next) => {
    const { config } = api.lab
    if (config.outgoing.tlsReports === undefined) return next()
    const report = await reportIn(await bodyOf(c, MAX_BODY_OCTETS))
    const { mailbox } = reportSettings(config)
    const submitter = hostIn(report.contactInfo)
    const addressing = { from: `postmaster@${submitter}`, to: mailbox, submitter, at: context.clock.now() }
    const raw = await composeTlsReport(report, {
      ...addressing,
      domain: hostName(report.policies[0]?.policyDomain) ?? config.domain,
    })
    await api.lab.deliver({ from: '', to: [mailbox], raw })
    return c.body(null, 201)
  })
}

/** @throws ApiProblem `bad-request` */
async function reportIn(octets: Buffer): Promise<TlsReport> {
  try {
    return await readTlsReport(octets)
  } catch (error) {
    if (error instanceof TlsReportError) throw new ApiProblem('bad-request', error.message)
    throw error
  }
}

/** RFC 1123 section 2.1, and the underscore of DNS names. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i

/** Returns a host name; undefined for any other text. */
const hostName = (text = ''): string | undefined => (HOST_NAME.test(text) ? text : undefined)

/** Returns the domain of the contact, which is free text. */
const hostIn = (contact: string): string =>
  hostName(/@([a-z0-9-]+(?:\.[a-z0-9-]+)*)/i.exec(contact)?.[1]) ?? 'unknown.invalid'
