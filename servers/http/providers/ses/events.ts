import { createSign, randomUUID } from 'node:crypto'
import type { Api } from '../../../../src/api/api.ts'
import type { ProviderEvent } from '../../../../src/core/config/schema/provider-events.ts'
import { timeText } from '../../../../src/core/time/time-text.ts'
import type { InstalledCertificate } from '../../../../src/tls/pki/types.ts'
import { type EventPosts, type MailEvent, ProviderError, type ProviderRoute, type WebhookRequest } from '../types.ts'

const ACCOUNT = '123456789012'
const AGENT = { ipAddress: '192.0.2.1', userAgent: 'Mozilla/5.0' }

/** The name of each event, and what it says. https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html */
const forms: Readonly<
  Record<ProviderEvent, readonly [name: string, form: (event: MailEvent, time: string) => object]>
> = {
  sent: ['Send', () => ({})],
  delivered: [
    'Delivery',
    ({ recipient, reply }, timestamp) => ({
      timestamp,
      processingTimeMillis: 500,
      recipients: [recipient],
      smtpResponse: `${reply.code} ${reply.status} ${reply.text}`,
      reportingMTA: 'a1-1.smtp-out.eu-west-1.amazonses.com',
    }),
  ],
  deferred: [
    'DeliveryDelay',
    ({ recipient, reply, at }, timestamp) => ({
      timestamp,
      delayType: 'General',
      expirationTime: timeText(at + 14 * 3_600_000),
      delayedRecipients: [
        { emailAddress: recipient, status: reply.status, diagnosticCode: `smtp; ${reply.code} ${reply.text}` },
      ],
    }),
  ],
  bounced: ['Bounce', (event, time) => bounce(event, time, 'Permanent', 'General')],
  'soft-bounced': [
    'Bounce',
    (event, time) => bounce(event, time, 'Transient', event.reply.status.endsWith('.2.2') ? 'MailboxFull' : 'General'),
  ],
  dropped: ['Bounce', (event, time) => bounce(event, time, 'Permanent', 'OnAccountSuppressionList')],
  complained: [
    'Complaint',
    ({ recipient }, timestamp) => ({
      complainedRecipients: [{ emailAddress: recipient }],
      timestamp,
      feedbackId: randomUUID(),
      complaintSubType: null,
      userAgent: 'Sealpost',
      complaintFeedbackType: 'abuse',
    }),
  ],
  opened: ['Open', (_, timestamp) => ({ ...AGENT, timestamp })],
  clicked: ['Click', (_, timestamp) => ({ ...AGENT, timestamp, link: 'https://example.com/', linkTags: null })],
  unsubscribed: [
    'Subscription',
    (_, timestamp) => ({
      contactList: 'lab',
      timestamp,
      source: 'UnsubscribeHeader',
      newTopicPreferences: { unsubscribeAll: true },
    }),
  ],
}

const bounce = ({ recipient, reply }: MailEvent, timestamp: string, bounceType: string, bounceSubType: string) => ({
  feedbackId: randomUUID(),
  bounceType,
  bounceSubType,
  bouncedRecipients: [
    {
      emailAddress: recipient,
      action: 'failed',
      status: reply.status,
      diagnosticCode: `smtp; ${reply.code} ${reply.status} ${reply.text}`,
    },
  ],
  timestamp,
  reportingMTA: 'dns; a1-1.smtp-out.eu-west-1.amazonses.com',
})

/** Without a configuration set, SES reports these, as notifications of the identity. */
const NOTIFICATIONS = ['Bounce', 'Complaint', 'Delivery']

function messageOf(event: MailEvent): object | undefined {
  const { mail, type, at } = event
  const [name, form] = forms[type]
  const { configurationSet } = mail.details
  if (configurationSet === undefined && !NOTIFICATIONS.includes(name)) return undefined
  const tags = Object.fromEntries(Object.entries(mail.arguments).map(([key, value]) => [key, [value]]))
  const { from, recipients, messageId, subject } = mail
  const headers = { From: from, To: recipients.join(', '), Subject: subject, 'Message-ID': `<${messageId}>` }
  const key = name.charAt(0).toLowerCase() + name.slice(1)
  return {
    [configurationSet === undefined ? 'notificationType' : 'eventType']: name,
    mail: {
      timestamp: timeText(mail.at),
      source: from,
      sourceArn: `arn:aws:ses:${mail.details.region}:${ACCOUNT}:identity/${from}`,
      sendingAccountId: ACCOUNT,
      messageId: mail.id,
      destination: recipients,
      headersTruncated: false,
      headers: Object.entries(headers).map(([header, value]) => ({ name: header, value })),
      commonHeaders: { from: [from], to: recipients, messageId: mail.id, subject },
      ...(configurationSet === undefined
        ? {}
        : { tags: { 'ses:configuration-set': [configurationSet], 'ses:source-ip': ['127.0.0.1'], ...tags } }),
    },
    [key]: form(event, timeText(at)),
  }
}

/** The certificates that sign for each lab. */
const certificates = new WeakMap<Api, Promise<InstalledCertificate>>()

/** Returns the certificate that signs: RSA, of the lab's authority. */
function certificateOf(api: Api): Promise<InstalledCertificate> {
  const known = certificates.get(api)
  if (known) return known
  const created = api.lab.certificateStore
    .resolve('Amazon SNS', { kind: 'variant', variant: 'rsa' }, ['sns.amazonaws.com'])
    .then(([first]) => {
      if (first) return first
      throw new ProviderError('unavailable', 'the lab could not issue the certificate of Amazon SNS')
    })
  certificates.set(api, created)
  created.catch(() => certificates.delete(api))
  return created
}

/** The fields that the signature covers. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html */
const SIGNED = ['Message', 'MessageId', 'Timestamp', 'TopicArn', 'Type'] as const

async function post(event: MailEvent, { api, base }: Parameters<EventPosts>[1]): Promise<WebhookRequest[]> {
  const message = messageOf(event)
  if (!message) return []
  const { thumbprint, privateKeyPem } = await certificateOf(api)
  const fields = {
    Type: 'Notification',
    MessageId: event.id,
    TopicArn: `arn:aws:sns:${event.mail.details.region}:${ACCOUNT}:sealpost`,
    Message: JSON.stringify(message),
    Timestamp: timeText(api.lab.clock.now()),
  }
  const text = SIGNED.map((name) => `${name}\n${fields[name]}\n`).join('')
  const host = base.replace('//email.', '//sns.')
  return [
    {
      event: forms[event.type][0],
      body: JSON.stringify({
        ...fields,
        SignatureVersion: '1',
        // Version 1 of the signature is that of new topics.
        Signature: createSign('RSA-SHA1').update(text).sign(privateKeyPem, 'base64'),
        SigningCertURL: `${host}/SimpleNotificationService-${thumbprint.toLowerCase()}.pem`,
        UnsubscribeURL: `${host}/?Action=Unsubscribe&SubscriptionArn=${fields.TopicArn}:${event.mail.id}`,
      }),
      headers: {
        'Content-Type': 'text/plain; charset=UTF-8',
        'User-Agent': 'Amazon Simple Notification Service Agent',
        'x-amz-sns-message-type': 'Notification',
        'x-amz-sns-message-id': event.id,
        'x-amz-sns-topic-arn': fields.TopicArn,
      },
    },
  ]
}

/** The events of SES, as notifications of Amazon SNS. */
export const sesEvents: EventPosts = async (events, target) =>
  (await Promise.all(events.map((event) => post(event, target)))).flat()

/** The certificate that the notifications name. */
export const signingRoutes: readonly ProviderRoute[] = [
  {
    method: 'GET',
    path: /^\/SimpleNotificationService-[0-9a-f]+\.pem$/,
    isPublic: true,
    run: async ({ api }) => ({
      body: (await certificateOf(api)).certificatePem,
      headers: { 'Content-Type': 'application/x-pem-file' },
    }),
  },
]
