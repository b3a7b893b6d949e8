import { randomUUID } from 'node:crypto'
import { xml } from '../../../../src/core/text/xml.ts'
import { send } from '../send.ts'
import { type Answer, type ProviderCall, ProviderError } from '../types.ts'
import { outgoingMail, type SesMail, templated } from './messages.ts'
import { subscribe } from './sns.ts'

const NAMESPACE = 'http://ses.amazonaws.com/doc/2010-12-01/'

/** Returns an XML answer of the Query API. */
export const xmlAnswer = (status: number, name: string, content: string): Answer => ({
  status,
  body: `<${name} xmlns="${NAMESPACE}">${content}</${name}>`,
  headers: { 'Content-Type': 'text/xml' },
})

/** The members of lists: `Destination.ToAddresses.member.1`. */
const listIn = (form: URLSearchParams, name: string): string[] =>
  [...form]
    .filter(([key]) => key.startsWith(`${name}.member.`) && /^\d+$/.test(key.slice(name.length + 8)))
    .sort(([a], [b]) => Number(a.split('.').at(-1)) - Number(b.split('.').at(-1)))
    .map(([, value]) => value)

function mailIn(form: URLSearchParams, content: SesMail['content']): SesMail {
  const list = (name: string): string[] => listIn(form, name)
  const tags = [...Array(50).keys()].flatMap((at) => {
    const name = form.get(`Tags.member.${at + 1}.Name`)
    return name === null ? [] : [[name, form.get(`Tags.member.${at + 1}.Value`) ?? ''] as const]
  })
  return {
    source: form.get('Source') ?? undefined,
    to: [...list('Destination.ToAddresses'), ...list('Destinations')],
    cc: list('Destination.CcAddresses'),
    bcc: list('Destination.BccAddresses'),
    replyTo: list('ReplyToAddresses'),
    content,
    tags,
    configurationSet: form.get('ConfigurationSetName') ?? undefined,
  }
}

/** The actions that send, with the content of their messages. https://docs.aws.amazon.com/ses/latest/APIReference/ */
const contents: Readonly<Record<string, (call: ProviderCall, form: URLSearchParams) => SesMail['content']>> = {
  SendEmail: (_, form) => ({
    subject: form.get('Message.Subject.Data') ?? '',
    text: form.get('Message.Body.Text.Data') ?? undefined,
    html: form.get('Message.Body.Html.Data') ?? undefined,
  }),
  SendRawEmail: (_, form) => Buffer.from(form.get('RawMessage.Data') ?? '', 'base64'),
  SendTemplatedEmail: (call, form) => templated(call, form.get('Template') ?? '', form.get('TemplateData') ?? ''),
}

/** Answers a request of the Query API. @throws ProviderError */
export async function act(call: ProviderCall): Promise<Answer> {
  const form = new URLSearchParams(call.body.toString('utf8'))
  const action = form.get('Action') ?? ''
  const metadata = `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata>`
  const answer = (result: string): Answer =>
    xmlAnswer(200, `${action}Response`, `<${action}Result>${result}</${action}Result>${metadata}`)
  if (action === 'GetSendQuota') {
    const { messages = 14, per = 1000 } = call.context.config.limits.rate ?? {}
    const [day, rate] = [call.config.quota ?? 50_000, messages / (per / 1000)].map((number) => number.toFixed(1))
    const limits = `<Max24HourSend>${day}</Max24HourSend><MaxSendRate>${rate}</MaxSendRate>`
    return answer(`${limits}<SentLast24Hours>0.0</SentLast24Hours>`)
  }
  if (action === 'Subscribe') return subscribe(call, form)
  const contentOf = Object.hasOwn(contents, action) ? contents[action] : undefined
  if (!contentOf) throw new ProviderError('not-offered', `Sealpost does not offer the action ${xml(action)}`)
  const mail = outgoingMail(call, mailIn(form, contentOf(call, form)))
  await send(call, [mail])
  return answer(`<MessageId>${mail.id}</MessageId>`)
}
