import { createHash, createSign, randomBytes, randomUUID } from 'node:crypto'
import type { Api } from '../../../../src/api/api.ts'
import { timeText } from '../../../../src/core/time/time-text.ts'
import type { InstalledCertificate } from '../../../../src/tls/pki/types.ts'
import { sourceOf } from '../deliver.ts'
import { routesOf } from '../tables.ts'
import { type Answer, type EventPosts, type ProviderCall, ProviderError, type WebhookRequest } from '../types.ts'
import { regionOf } from './signature.ts'

export const ACCOUNT = '123456789012'
const topicOf = (region: string): string => `arn:aws:sns:${region}:${ACCOUNT}:sealpost`

/** The certificates that sign for each lab. */
const certificates = new WeakMap<Api, Promise<InstalledCertificate>>()

/** Returns the certificate that signs: RSA, of the lab's authority. @throws Error */
async function certificateOf(api: Api): Promise<InstalledCertificate> {
  const names = ['sns.amazonaws.com']
  const issue = async () => {
    const [first] = await api.lab.certificateStore.resolve('Amazon SNS', { kind: 'variant', variant: 'rsa' }, names)
    if (first) return first
    throw new Error('the lab could not issue the certificate of Amazon SNS')
  }
  const issued = certificates.get(api) ?? issue()
  certificates.set(api, issued)
  issued.catch(() => certificates.delete(api))
  return issued
}

/** The fields that the signature covers. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html */
const SIGNED = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'] as const
const ALGORITHMS = { 1: 'RSA-SHA1', 2: 'RSA-SHA256' } as const

type Target = Pick<Parameters<EventPosts>[1], 'api' | 'base' | 'hook'>
type Field = (typeof SIGNED)[number]
type Fields = Partial<Record<Field, string>> & Record<'Type' | 'Message' | 'TopicArn' | 'MessageId', string>

/** Returns a request to an endpoint, signed unless its delivery is raw. */
async function post({ api, base, hook }: Target, event: string, given: Fields): Promise<WebhookRequest> {
  const { signatureVersion, rawDelivery } = hook.sns
  const isRaw = rawDelivery && given.Type === 'Notification'
  const headers = {
    'Content-Type': 'text/plain; charset=UTF-8',
    'User-Agent': 'Amazon Simple Notification Service Agent',
    'x-amz-sns-message-type': given.Type,
    'x-amz-sns-message-id': given.MessageId,
    'x-amz-sns-topic-arn': given.TopicArn,
    ...(isRaw && { 'x-amz-sns-rawdelivery': 'true' }),
  }
  if (isRaw) return { event, body: given.Message, headers }
  const fields: Fields = { ...given, Timestamp: timeText(api.lab.clock.now()) }
  const text = SIGNED.flatMap((name) => (fields[name] === undefined ? [] : [`${name}\n${fields[name]}\n`])).join('')
  const { thumbprint, privateKeyPem } = await certificateOf(api)
  const signed = {
    ...fields,
    SignatureVersion: signatureVersion,
    Signature: createSign(ALGORITHMS[signatureVersion]).update(text).sign(privateKeyPem, 'base64'),
    SigningCertURL: `${snsOf(base)}/SimpleNotificationService-${thumbprint.toLowerCase()}.pem`,
    ...(given.Type === 'Notification' && {
      UnsubscribeURL: `${snsOf(base)}/?Action=Unsubscribe&SubscriptionArn=${arnOf(given.TopicArn, hook.url)}`,
    }),
  }
  return { event, body: JSON.stringify(signed), headers }
}

/** Returns the URL of SNS beside that of SES. */
const snsOf = (base: string): string => base.replace('//email.', '//sns.')

/** Returns the name of a subscription. */
const arnOf = (topic: string, url: string): string => `${topic}:${createHash('md5').update(url).digest('hex')}`

/** A subscription, which its token confirms. */
type Subscription = Readonly<{ topic: string; token: string; isConfirmed: boolean }>

/** Returns the subscriptions of endpoints, by their URLs. */
const subscriptionsOf = ({ lab }: Api) => lab.values.map<Subscription>('sns-subscriptions')

/** Asks an endpoint to confirm. https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html */
async function askToConfirm(target: Target, region: string): Promise<WebhookRequest> {
  const Token = randomBytes(64).toString('hex')
  const TopicArn = topicOf(region)
  const Type = 'SubscriptionConfirmation'
  await subscriptionsOf(target.api).put(target.hook.url, { topic: TopicArn, token: Token, isConfirmed: false })
  return post(target, Type, {
    Type,
    MessageId: randomUUID(),
    Token,
    TopicArn,
    Message: `You have chosen to subscribe to the topic ${TopicArn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`,
    SubscribeURL: `${snsOf(target.base)}/?Action=ConfirmSubscription&TopicArn=${TopicArn}&Token=${Token}`,
  })
}

type Notification = Readonly<Record<'id' | 'name' | 'region' | 'message', string>>

/** Returns the notifications for an endpoint. One that must confirm its subscription gets nothing else before. */
export async function notificationsOf(all: readonly Notification[], target: Target): Promise<WebhookRequest[]> {
  const [first] = all
  if (!first) return []
  const known = subscriptionsOf(target.api).get(target.hook.url)
  if (target.hook.sns.confirm && !known?.isConfirmed) return known ? [] : [await askToConfirm(target, first.region)]
  return Promise.all(
    all.map(({ id, name, region, message }) =>
      post(target, name, { Type: 'Notification', MessageId: id, TopicArn: topicOf(region), Message: message }),
    ),
  )
}

const NAMESPACE = 'http://sns.amazonaws.com/doc/2010-03-31/'

const answer = (action: string, content: string): Answer => ({
  body: `<${action}Response xmlns="${NAMESPACE}">${content === '' ? '' : `<${action}Result>${content}</${action}Result>`}<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></${action}Response>`,
  headers: { 'Content-Type': 'text/xml' },
})

/** Subscribes an endpoint that the configuration lists: sends it the request to confirm. */
export async function subscribe(call: ProviderCall, form: URLSearchParams): Promise<Answer> {
  const { api, base, config } = call
  const url = form.get('Endpoint') ?? ''
  const hook = config.webhooks.find((one) => one.url === url)
  if (!hook)
    throw new ProviderError('invalid', `Invalid parameter: Endpoint: ${url} is not one of \`webhooks\``, 'Endpoint')
  const request = await askToConfirm({ api, base, hook }, regionOf(call))
  await api.webhooks?.post(url, { ...request, source: sourceOf(call), delayMs: 0 })
  return answer('Subscribe', '<SubscriptionArn>pending confirmation</SubscriptionArn>')
}

/** Confirms or ends a subscription. Anyone who knows the URL may. https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html */
async function follow({ c, api }: ProviderCall): Promise<Answer> {
  const { Action = '', Token, SubscriptionArn } = c.req.query()
  const subscriptions = subscriptionsOf(api)
  const isWanted: Partial<Record<string, (url: string, one: Subscription) => boolean>> = {
    ConfirmSubscription: (_, { token }) => token === Token,
    Unsubscribe: (url, { topic }) => arnOf(topic, url) === SubscriptionArn,
  }
  const [url, found] = [...subscriptions.entries()].find((one) => isWanted[Action]?.(...one)) ?? []
  if (url === undefined || !found) throw new ProviderError('invalid', 'Invalid parameter: Token')
  const isConfirmed = Action !== 'Unsubscribe'
  await subscriptions.put(url, { ...found, isConfirmed })
  return answer(Action, isConfirmed ? `<SubscriptionArn>${arnOf(found.topic, url)}</SubscriptionArn>` : '')
}

async function certificate({ api }: ProviderCall): Promise<Answer> {
  return { body: (await certificateOf(api)).certificatePem, headers: { 'Content-Type': 'application/x-pem-file' } }
}

/** The routes for receivers of notifications: they confirm, unsubscribe, and fetch the certificate. */
export const snsRoutes = routesOf({
  'GET /': follow,
  'GET /SimpleNotificationService-[0-9a-f]+\\.pem': certificate,
}).map((route) => ({ ...route, isPublic: true as const }))
