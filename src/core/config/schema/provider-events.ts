/** The events that a provider reports about a message. */
export const providerEvents = [
  'sent',
  'delivered',
  'deferred',
  'bounced',
  'soft-bounced',
  'dropped',
  'complained',
  'opened',
  'clicked',
  'unsubscribed',
] as const
export type ProviderEvent = (typeof providerEvents)[number]
