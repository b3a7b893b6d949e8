import type { ProviderConfig, ProviderName } from '../../../src/core/config/schema/providers.ts'
import type { Provider } from './types.ts'

interface Row {
  /** The hosts of its API. */
  readonly hosts: RegExp
  /** Loads its adapter. A lab loads only those that applications use. */
  readonly load: () => Promise<Provider>
}

const rows: Readonly<Record<ProviderName, Row>> = {
  ses: {
    hosts: /^(?:email|sns)(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/,
    load: async () => (await import('./ses/ses.ts')).ses,
  },
  sendgrid: {
    hosts: /^api\.(?:eu\.)?sendgrid\.com$/,
    load: async () => (await import('./sendgrid/sendgrid.ts')).sendgrid,
  },
  postmark: {
    hosts: /^api\.postmarkapp\.com$/,
    load: async () => (await import('./postmark/postmark.ts')).postmark,
  },
  mailgun: { hosts: /^api\.(?:eu\.)?mailgun\.net$/, load: async () => (await import('./mailgun/mailgun.ts')).mailgun },
  resend: { hosts: /^api\.resend\.com$/, load: async () => (await import('./resend/resend.ts')).resend },
  brevo: { hosts: /^api\.(?:brevo|sendinblue)\.com$/, load: async () => (await import('./brevo/brevo.ts')).brevo },
  mailjet: { hosts: /^api\.(?:us\.)?mailjet\.com$/, load: async () => (await import('./mailjet/mailjet.ts')).mailjet },
  graph: { hosts: /^graph\.microsoft\.(?:com|us|de)$/, load: async () => (await import('./graph/graph.ts')).graph },
  gmail: { hosts: /^(?:gmail|www)\.googleapis\.com$/, load: async () => (await import('./gmail/gmail.ts')).gmail },
}

/** Returns the adapter of a provider. */
export const providerNamed = (name: ProviderName): Promise<Provider> => rows[name].load()

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
  const own = providers.find(({ provider }) => rows[provider].hosts.test(name))
  if (own) return { config: own, host: name, tenant: undefined, path: path.replaceAll(/\/{2,}/g, '/') }
  // Uploads of the Gmail API have the name of the provider in their own paths.
  const isUpload = path.startsWith('/upload/gmail/')
  const [, tenant, first, rest = '/'] =
    /^(?:\/t\/([^/]+))?\/+([a-z]+)(\/.*)?$/.exec(isUpload ? `/gmail${path}` : path) ?? []
  const config = providers.find(({ provider }) => provider === first)
  return config && { config, tenant, path: rest.replaceAll(/\/{2,}/g, '/') }
}
