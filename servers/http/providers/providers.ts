import type { ProviderConfig, ProviderName } from '../../../src/core/config/schema/providers.ts'
import type { Provider } from './types.ts'

/** Load the adapters. A lab loads only those that applications use. */
export const adapters: Readonly<Record<ProviderName, () => Promise<Provider>>> = {
  ses: async () => (await import('./ses/ses.ts')).ses,
  sendgrid: async () => (await import('./sendgrid/sendgrid.ts')).sendgrid,
  postmark: async () => (await import('./postmark/postmark.ts')).postmark,
  mailgun: async () => (await import('./mailgun/mailgun.ts')).mailgun,
  resend: async () => (await import('./resend/resend.ts')).resend,
  brevo: async () => (await import('./brevo/brevo.ts')).brevo,
  mailjet: async () => (await import('./mailjet/mailjet.ts')).mailjet,
  graph: async () => (await import('./graph/graph.ts')).graph,
  gmail: async () => (await import('./gmail/gmail.ts')).gmail,
}

/** The hosts of each API. */
const hosts: Readonly<Record<ProviderName, RegExp>> = {
  ses: /^(?:email|sns)(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/,
  sendgrid: /^api\.(?:eu\.)?sendgrid\.com$/,
  postmark: /^api\.postmarkapp\.com$/,
  mailgun: /^api\.(?:eu\.)?mailgun\.net$/,
  resend: /^api\.resend\.com$/,
  brevo: /^api\.(?:brevo|sendinblue)\.com$/,
  mailjet: /^api\.(?:us\.)?mailjet\.com$/,
  graph: /^graph\.microsoft\.(?:com|us|de)$/,
  gmail: /^(?:gmail|www)\.googleapis\.com$/,
}

/** A request to the API of a provider. */
export interface ProviderPlace {
  readonly config: ProviderConfig
  /** The host of the request, if it is that of the provider: nobody else can point such a name at this address. */
  readonly host?: string
  readonly tenant: string | undefined
  /** The path as the provider has it. */
  readonly path: string
}

/** Returns the place of a request at a provider; undefined for any other request. */
export function providerPlace(
  host: string,
  path: string,
  providers: readonly ProviderConfig[],
): ProviderPlace | undefined {
  const name = host.toLowerCase().replace(/:\d*$/, '')
  const own = providers.find(({ provider }) => hosts[provider].test(name))
  if (own) return { config: own, host: name, tenant: undefined, path: path.replaceAll(/\/{2,}/g, '/') }
  // Uploads and batches of the Gmail API have the name of the provider in their own paths.
  const isGmail = /^\/(?:upload|resumable\/upload|batch)\/gmail\//.test(path)
  const [, tenant, first, rest = '/'] =
    /^(?:\/t\/([^/]+))?\/+([a-z]+)(\/.*)?$/.exec(isGmail ? `/gmail${path}` : path) ?? []
  const config = providers.find(({ provider }) => provider === first)
  return config && { config, tenant, path: rest.replaceAll(/\/{2,}/g, '/') }
}
