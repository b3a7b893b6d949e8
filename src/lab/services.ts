import type { LabServices } from '../../servers/service.ts'
import type { AddedAccounts } from '../accounts/directory/added-accounts.ts'
import { createDirectory } from '../accounts/directory/directory.ts'
import { httpUrlOf } from '../accounts/oauth2/settings.ts'
import type { EndpointFacts } from '../api/lab.ts'
import type { RuleTags } from '../api/messages/tag-rules.ts'
import type { ResolvedLab } from '../core/config/resolve.ts'
import type { Clock } from '../core/time/clock.ts'
import { dropsOldest } from '../storage/store/open.ts'
import { configuredPolicy } from '../transport/mta-sts/configured.ts'
import type { Histories } from './histories.ts'
import type { LabNews } from './mail/lab-news.ts'
import type { LabOutgoing } from './mail/lab-outgoing.ts'

/** The parts of a lab that sessions use, whatever its configuration. */
interface LastingServices
  extends Pick<
    LabServices,
    'store' | 'tenants' | 'oauth2' | 'mailAuthentication' | 'reports' | 'values' | 'rates' | 'api' | 'idleApi'
  > {
  readonly clock: Clock
  readonly histories: Histories
  readonly addedAccounts: AddedAccounts
  readonly news: LabNews
  readonly outgoing: LabOutgoing
  endpoints(): readonly EndpointFacts[]
}

/** Returns the URL of the session object on the first virtual server that offers JMAP. */
function jmapUrlOf(lab: LastingServices, { hostname, virtualServers }: ResolvedLab): string | undefined {
  const offering = virtualServers.filter(({ jmap }) => jmap !== 'off').map(({ name }) => name)
  const endpoints = lab.endpoints().filter(({ virtualServer }) => offering.includes(virtualServer))
  const url = httpUrlOf(endpoints, hostname)
  return url && `${url}/jmap/session`
}

/** Returns the rules for tags, which are loaded with the first message. */
function ruleTagsOf({ mail: { tagging } }: ResolvedLab): LabServices['ruleTags'] {
  if (!tagging || tagging.rules.length === 0) return undefined
  let opened: Promise<RuleTags> | undefined
  return async (delivery) => {
    opened ??= import('../api/messages/tag-rules.ts').then(({ openTagRules }) => openTagRules(tagging.rules))
    return (await opened)(delivery)
  }
}

/** @throws Error for a rule for tags whose search cannot be read */
export async function checkTagRules({ mail: { tagging } }: ResolvedLab): Promise<void> {
  if (!tagging || tagging.rules.length === 0) return
  const { openTagRules } = await import('../api/messages/tag-rules.ts')
  openTagRules(tagging.rules)
}

/** Composes the parts of a lab that sessions and delivery use, for one configuration. */
export const composeServices = (lab: LastingServices, config: ResolvedLab): LabServices => ({
  hostname: config.hostname,
  store: lab.store,
  directory: createDirectory(config, lab.addedAccounts),
  tenants: lab.tenants,
  oauth2: lab.oauth2,
  mailAuthentication: lab.mailAuthentication,
  news: lab.news.service,
  outgoing: lab.outgoing.queue,
  reports: lab.reports,
  histories: lab.histories,
  retention: config.retention,
  dropsOldest: dropsOldest(config.store),
  clock: lab.clock,
  values: lab.values,
  rates: lab.rates,
  api: () => lab.api(),
  idleApi: () => lab.idleApi(),
  administrators: config.access.administrators,
  captured: config.mail.captured,
  tagging: config.mail.tagging,
  ruleTags: ruleTagsOf(config),
  labNames: [config.hostname, ...config.alternativeNames],
  jmapUrl: () => jmapUrlOf(lab, config),
  sieve: config.mail.sieve,
  recordScript: (done) => lab.histories.script(done),
  mtaSts: configuredPolicy(config),
})
