import type { ProviderName } from '../../../src/core/config/schema/providers.ts'
import type { Provider } from './types.ts'

/** Loads the adapter of each provider. A lab loads only those that applications use. */
const loaders: Readonly<Record<ProviderName, () => Promise<Provider>>> = {
  ses: async () => (await import('./ses/ses.ts')).ses,
  sendgrid: async () => (await import('./sendgrid/sendgrid.ts')).sendgrid,
  mailgun: async () => (await import('./mailgun/mailgun.ts')).mailgun,
  resend: async () => (await import('./resend/resend.ts')).resend,
  brevo: async () => (await import('./brevo/brevo.ts')).brevo,
  mailjet: async () => (await import('./mailjet/mailjet.ts')).mailjet,
  graph: async () => (await import('./graph/graph.ts')).graph,
  gmail: async () => (await import('./gmail/gmail.ts')).gmail,
  postmark: async () => (await import('./postmark/postmark.ts')).postmark,
}

/** Returns the adapter of a provider. */
export const providerNamed = (name: ProviderName): Promise<Provider> => loaders[name]()
