import { z } from 'zod'
import { mapping } from './mapping.ts'
import { providerEvents } from './provider-events.ts'
import { duration, mailAddress, secretFile, timeLimit } from './values.ts'

/** The providers whose API the lab offers, with their names in text. */
export const providerTitles = {
  ses: 'Amazon SES',
  sendgrid: 'SendGrid',
  postmark: 'Postmark',
  mailgun: 'Mailgun',
  resend: 'Resend',
  brevo: 'Brevo',
  mailjet: 'Mailjet',
  graph: 'Microsoft Graph',
  gmail: 'Gmail API',
} as const
export type ProviderName = keyof typeof providerTitles

/** The names of the providers. */
export const providerNames = Object.keys(providerTitles) as [ProviderName, ...ProviderName[]]

const provider = z.enum(providerNames)

/** The refusals that a key can ask for, and that the lab has reasons of its own for. */
const providerRefusals = [
  'bad-key',
  'unverified-sender',
  'suppressed',
  'rate-limit',
  'quota',
  'too-large',
  'suspended',
  'unavailable',
] as const
export type ProviderRefusal = (typeof providerRefusals)[number]

const [s, m, h] = [1000, 60_000, 3_600_000]

/** Pauses between the attempts to send an event, as each provider documents them. Others have those of `webhooks`. */
export const providerRetries: Partial<Readonly<Record<ProviderName, readonly number[]>>> = {
  // https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html, its first phases
  ses: [1 * s, 1 * s, 20 * s, 20 * s, 20 * s],
  mailgun: [10 * m, 10 * m, 15 * m, 30 * m, 1 * h, 2 * h, 4 * h],
  resend: [5 * s, 5 * m, 30 * m, 2 * h, 5 * h, 10 * h],
  postmark: [1 * m, 5 * m, 10 * m, 10 * m, 10 * m, 15 * m, 30 * m, 1 * h, 2 * h, 6 * h],
}

/** Returns the name of a provider of a virtual server, as the sender of events. */
export const providerSource = (virtualServer: string, provider: ProviderName): string => `${virtualServer}/${provider}`

const key = mapping(() => ({
  id: z
    .string()
    .min(1)
    .optional()
    .describe('The public part of the key: the access key id of Amazon SES, the API key of Mailjet.')
    .meta({ examples: ['AKIAIOSFODNN7EXAMPLE'] }),
  secret: z
    .string()
    .min(1)
    .optional()
    .describe('The secret part, or the whole key of providers whose keys have one part.')
    .meta({ examples: ['SG.key-of-the-lab'], writeOnly: true }),
  secretFile: secretFile('secret part of the key', '../provider.key'),
  answer: z
    .enum(providerRefusals)
    .optional()
    .describe('Refuses every request with this key as the provider does for this reason. Default: requests succeed.')
    .meta({ examples: ['rate-limit'] }),
}))

const template = mapping(() => ({
  subject: z
    .string()
    .default('')
    .describe('Subject. {{name}} is replaced by the value of the request.')
    .meta({ examples: ['Welcome, {{name}}'] }),
  text: z
    .string()
    .optional()
    .describe('Text, with the same marks. Default: no text.')
    .meta({ examples: ['Hello {{name}}'] }),
  html: z
    .string()
    .optional()
    .describe('HTML, with the same marks; values are escaped. Default: no HTML.')
    .meta({ examples: ['<p>Hello {{name}}</p>'] }),
}))
export type ProviderTemplate = z.output<typeof template>

const webhook = mapping(() => ({
  url: z
    .url({ protocol: /^https?$/, error: 'write a URL such as http://127.0.0.1:9000/hook' })
    .describe('Where events are sent, by POST. A user name and password in it are sent as HTTP Basic authentication.')
    .meta({ examples: ['http://127.0.0.1:9000/events'] }),
  events: z
    .array(z.enum(providerEvents))
    .min(1)
    .default([...providerEvents])
    .describe('The events that are sent, if the provider has them.')
    .meta({ examples: [['delivered', 'bounced']] }),
  secret: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Key of the signatures. sendgrid: private key on the curve P-256, PKCS #8 in base64 (one line). mailgun: the signing key. resend: whsec_ and base64. Others have no key. Default: no signatures.',
    )
    .meta({ examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], writeOnly: true }),
  secretFile: secretFile('key of the signatures', '../hook.secret'),
  authority: z
    .string()
    .min(1)
    .optional()
    .describe(
      'https: PEM file with the roots of the receiver, relative to this file. Default: the roots of the lab and of the system.',
    )
    .meta({ examples: ['../hook-root.pem'] }),
  sns: mapping(() => ({
    confirm: z
      .boolean()
      .default(false)
      .describe('Whether the URL gets no event before it has confirmed its subscription at the SubscribeURL.'),
    signatureVersion: z.enum(['1', '2']).default('1').describe('1: SHA-1. 2: SHA-256.'),
    rawDelivery: z.boolean().default(false).describe('Whether the body is the event alone, without a signature.'),
  }))
    .prefault({})
    .describe('ses: how Amazon SNS sends the events.'),
  timeout: timeLimit.prefault('10s').describe('Longest wait for an answer.'),
  retries: z
    .array(timeLimit)
    .optional()
    .describe('Pauses before the further attempts. Default: those of the provider.')
    .meta({ examples: [['1s', '10s']] }),
  faults: z
    .array(z.enum(['duplicates', 'wrong-order']))
    .default([])
    .describe(
      'duplicates: every event is sent twice, with the same id. wrong-order: the events of a message are sent last first.',
    )
    .meta({ examples: [['duplicates', 'wrong-order']] }),
}))
export type ProviderHook = z.output<typeof webhook>

/** The settings of a provider. */
const settings = mapping(() => ({
  provider: provider.describe('The provider.').meta({ examples: ['sendgrid'] }),
  keys: z
    .array(key)
    .min(1)
    .optional()
    .describe(
      'The keys that the lab accepts; with them, Signature Version 4 of Amazon SES is verified. Default: every key whose form is right. graph and gmail: access tokens of the lab instead (docs/oauth2.md).',
    )
    .meta({ examples: [[{ secret: 'SG.key-of-the-lab' }]] }),
  senders: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Verified senders: addresses and domains. Mail from others is refused. Default: all senders.')
    .meta({ examples: [['lab.test', 'shop@example.com']] }),
  suppressed: z
    .array(mailAddress)
    .default([])
    .describe('Recipients on the suppression list: they get no mail, and the provider says so.')
    .meta({ examples: [['gone@example.com']] }),
  quota: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('Messages of one key in 24 hours, by the lab’s clock. Default: no limit.')
    .meta({ examples: [100] }),
  templates: z
    .record(z.string(), template)
    .default({})
    .describe('Templates by their names or ids.')
    .meta({ examples: [{ welcome: { subject: 'Welcome, {{name}}', text: 'Hello {{name}}' } }] }),
  webhooks: z
    .array(webhook)
    .default([])
    .describe('URLs that receive the events of messages, in the JSON of the provider and signed as it signs.')
    .meta({ examples: [[{ url: 'http://127.0.0.1:9000/events' }]] }),
  eventDelay: duration
    .prefault('0s')
    .describe('Time from the request to its events. bounce+550.30s@ overrides it for that event.'),
}))

/** A provider whose API an HTTP virtual server offers: its name, or its settings. */
export const providerSetting = z
  .union([provider, settings])
  .transform((given) => (typeof given === 'string' ? settings.parse({ provider: given }) : given))
export type ProviderConfig = z.output<typeof settings>
