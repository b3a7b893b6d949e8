import { type ProviderConfig, type ProviderName, providerTitles } from '../../../src/core/config/schema/providers.ts'

/** The hosts of each provider's API. */
const hosts: Readonly<Record<ProviderName, RegExp>> = {
  ses: /^(?:email|sns)(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/,
  sendgrid: /^api\.(?:eu\.)?sendgrid\.com$/,
  postmark: /^api\.postmarkapp\.com$/,
  mailgun: /^api\.(?:eu\.)?mailgun\.net$/,
  resend: /^api\.resend\.com$/,
  brevo: /^api\.(?:brevo|sendinblue)\.com$/,
  graph: /^graph\.microsoft\.(?:com|us|de)$/,
  gmail: /^(?:gmail|www)\.googleapis\.com$/,
  mailjet: /^api\.(?:us\.)?mailjet\.com$/,
}

/** Returns the host of a request if it is that of a provider: nobody else can point such a name at this address. */
export const providerHosts = (host = ''): string[] => {
  const name = host.toLowerCase().replace(/:\d*$/, '')
  return Object.values(hosts).some((one) => one.test(name)) ? [name] : []
}

/** Where the application has the paths of providers. */
const BASE = '/-/providers/'

/** Returns the path at which the application has a request to a provider; undefined for any other request. */
export function providerPath(host: string, path: string, providers: readonly ProviderConfig[]): string | undefined {
  if (providers.length === 0) return undefined
  const name = host.toLowerCase().replace(/:\d*$/, '')
  const own = providers.find(({ provider }) => hosts[provider].test(name))
  if (own) return `${BASE}${own.provider}${path}`
  // The uploads of the Gmail API, whose own paths begin with its name.
  if (path.startsWith('/upload/gmail/') && providers.some(({ provider }) => provider === 'gmail'))
    return `${BASE}gmail${path}`
  const [, tenant = '', first = '', rest = ''] = /^(\/t\/[^/]+)?\/+([a-z]+)(\/.*|)$/.exec(path) ?? []
  if (!Object.hasOwn(providerTitles, first) || !providers.some(({ provider }) => provider === first)) return undefined
  return `${BASE}${first}${tenant}${rest === '' ? '/' : rest}`
}

/** The parts of a path that `providerPath` has returned. */
interface ProviderPlace {
  readonly name: ProviderName
  readonly tenant: string | undefined
  readonly path: string
}

/** Returns the provider of a path of the application; undefined for the other paths. */
export function placeOfProvider(path: string): ProviderPlace | undefined {
  if (!path.startsWith(BASE)) return undefined
  const [, name, tenant, rest = '/'] = /^([a-z]+)(?:\/t\/([^/]+)(?=\/))?(\/.*)$/.exec(path.slice(BASE.length)) ?? []
  return { name: name as ProviderName, tenant, path: rest.replaceAll(/\/{2,}/g, '/') }
}
