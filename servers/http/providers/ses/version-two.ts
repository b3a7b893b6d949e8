import { z } from 'zod'
import { attachmentOf } from '../../drafts.ts'
import { send } from '../send.ts'
import { resultsOf } from '../tables.ts'
import { type Answer, type ErrorKind, type ProviderCall, ProviderError } from '../types.ts'
import { fromTemplate, jsonBody } from '../values.ts'
import { dataOf, outgoingMail, type SesMail, templated } from './messages.ts'

const text = z.string()
const optional = text.optional()
const addresses = z.array(text).default([])
const destination = z.object({ ToAddresses: addresses, CcAddresses: addresses, BccAddresses: addresses }).prefault({})
const data = z.object({ Data: text })
const file = z.object({ FileName: text, RawContent: text, ContentType: optional, ContentId: optional })
const pairs = z.array(z.object({ Name: text, Value: text })).default([])
const shared = { Headers: pairs, Attachments: z.array(file).default([]) }
const template = z.object({
  TemplateName: optional,
  TemplateArn: optional,
  TemplateData: optional,
  TemplateContent: z.object({ Subject: text.default(''), Text: optional, Html: optional }).optional(),
  ...shared,
})
const simple = z.object({ Subject: data, Body: z.object({ Text: data.optional(), Html: data.optional() }), ...shared })
const common = { FromEmailAddress: optional, ReplyToAddresses: addresses, ConfigurationSetName: optional }

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
const email = z.object({
  ...common,
  Destination: destination,
  Content: z.object({ Simple: simple, Raw: z.object({ Data: z.base64() }), Template: template }).partial(),
  EmailTags: pairs,
})

const replacement = z.object({ ReplacementTemplate: z.object({ ReplacementTemplateData: optional }).optional() })
const entry = z.object({
  Destination: destination,
  ReplacementTags: pairs,
  ReplacementHeaders: pairs,
  ReplacementEmailContent: replacement.default({}),
})

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html */
const bulk = z.object({
  ...common,
  DefaultContent: z.object({ Template: template }),
  DefaultEmailTags: pairs,
  // https://docs.aws.amazon.com/ses/latest/dg/quotas.html
  BulkEmailEntries: z.array(entry).max(50, 'has more than 50 entries'),
})

const extras = ({ Headers, Attachments }: Pick<z.output<typeof template>, 'Headers' | 'Attachments'>) => ({
  headers: Object.fromEntries(Headers.map(({ Name, Value }) => [Name, Value])),
  attachments: Attachments.map((one) => attachmentOf(one.FileName, one.RawContent, one.ContentType, one.ContentId)),
})

function ofTemplate(call: ProviderCall, wanted: z.output<typeof template>, replaced?: string): SesMail['content'] {
  const { TemplateName, TemplateArn, TemplateContent, TemplateData } = wanted
  const name = TemplateName ?? TemplateArn?.split('/').at(-1)
  if (name !== undefined) return { ...templated(call, name, TemplateData, replaced), ...extras(wanted) }
  if (!TemplateContent) throw new ProviderError('invalid', 'Template: name a template, or give its content', 'Template')
  const { Subject: subject, Text: text, Html: html } = TemplateContent
  return {
    ...fromTemplate({ subject, text, html }, { ...dataOf(TemplateData), ...dataOf(replaced) }),
    ...extras(wanted),
  }
}

type Given = z.output<typeof email>['Content']
function contentOf(call: ProviderCall, { Simple, Raw, Template }: Given): SesMail['content'] {
  if (Raw) return Buffer.from(Raw.Data, 'base64')
  if (Template) return ofTemplate(call, Template)
  if (!Simple) throw new ProviderError('invalid', 'Content: write Simple, Raw or Template', 'Content')
  const { Subject, Body } = Simple
  return { subject: Subject.Data, text: Body.Text?.Data, html: Body.Html?.Data, ...extras(Simple) }
}

type Envelope = Omit<z.output<typeof email>, 'Content' | 'EmailTags'>

/** Returns a message for the core. @throws ProviderError */
const mailOf = (call: ProviderCall, wanted: Envelope, content: SesMail['content'], tags: z.output<typeof pairs>) =>
  outgoingMail(call, {
    source: wanted.FromEmailAddress,
    replyTo: wanted.ReplyToAddresses,
    to: wanted.Destination.ToAddresses,
    cc: wanted.Destination.CcAddresses,
    bcc: wanted.Destination.BccAddresses,
    content,
    configurationSet: wanted.ConfigurationSetName,
    tags: tags.map(({ Name, Value }) => [Name, Value]),
  })

/** Sends a message. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
export async function sendEmail(call: ProviderCall): Promise<Answer> {
  const wanted = jsonBody(call, email)
  const mail = mailOf(call, wanted, contentOf(call, wanted.Content), wanted.EmailTags)
  await send(call, [mail])
  return { body: { MessageId: mail.id } }
}

/** Sends a template to many. https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html */
export async function sendBulk(call: ProviderCall): Promise<Answer> {
  const wanted = jsonBody(call, bulk)
  const { Template } = wanted.DefaultContent
  const sendEntry = async (one: z.output<typeof entry>) => {
    const replaced = one.ReplacementEmailContent.ReplacementTemplate?.ReplacementTemplateData
    const template = { ...Template, Headers: [...Template.Headers, ...one.ReplacementHeaders] }
    const tags = [...wanted.DefaultEmailTags, ...one.ReplacementTags]
    const envelope = { ...wanted, Destination: one.Destination }
    const mail = mailOf(call, envelope, ofTemplate(call, template, replaced), tags)
    await send(call, [mail])
    return { Status: 'SUCCESS', MessageId: mail.id }
  }
  const refused = ({ kind, message }: ProviderError) => ({ Status: ENTRY_STATUSES[kind] ?? 'FAILED', Error: message })
  return { body: { BulkEmailEntryResults: await resultsOf(wanted.BulkEmailEntries, sendEntry, refused) } }
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html */
const ENTRY_STATUSES: Readonly<Partial<Record<ErrorKind, string>>> = {
  'unverified-sender': 'MAIL_FROM_DOMAIN_NOT_VERIFIED',
  'too-large': 'MESSAGE_REJECTED',
  'rate-limit': 'ACCOUNT_THROTTLED',
  quota: 'ACCOUNT_DAILY_QUOTA_EXCEEDED',
  'unknown-template': 'TEMPLATE_NOT_FOUND',
  invalid: 'INVALID_PARAMETER',
  'bad-address': 'INVALID_PARAMETER',
}
