import { z } from 'zod'
import { attachmentOf } from '../../drafts.ts'
import { send } from '../send.ts'
import { type Answer, type ErrorKind, type ProviderCall, ProviderError, type ProviderRoute } from '../types.ts'
import { fromTemplate, jsonBody } from '../values.ts'
import { dataOf, outgoingMail, type SesMail, templated } from './messages.ts'

const addresses = z.array(z.string()).default([])
const destination = z.object({ ToAddresses: addresses, CcAddresses: addresses, BccAddresses: addresses }).prefault({})
const data = z.object({ Data: z.string() })
const shared = {
  Headers: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
  Attachments: z
    .array(
      z.object({
        FileName: z.string(),
        RawContent: z.string(),
        ContentType: z.string().optional(),
        ContentId: z.string().optional(),
      }),
    )
    .default([]),
}
const templateContent = z.object({
  Subject: z.string().default(''),
  Text: z.string().optional(),
  Html: z.string().optional(),
})
const template = z.object({
  TemplateName: z.string().optional(),
  TemplateArn: z.string().optional(),
  TemplateContent: templateContent.optional(),
  TemplateData: z.string().optional(),
  ...shared,
})
const tags = z.array(z.object({ Name: z.string(), Value: z.string() })).default([])
const common = {
  FromEmailAddress: z.string().optional(),
  ReplyToAddresses: addresses,
  ConfigurationSetName: z.string().optional(),
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
const email = z.object({
  ...common,
  Destination: destination,
  Content: z.object({
    Simple: z
      .object({ Subject: data, Body: z.object({ Text: data.optional(), Html: data.optional() }), ...shared })
      .optional(),
    Raw: z.object({ Data: z.base64() }).optional(),
    Template: template.optional(),
  }),
  EmailTags: tags,
})

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html */
const bulk = z.object({
  ...common,
  DefaultContent: z.object({ Template: template }),
  DefaultEmailTags: tags,
  // https://docs.aws.amazon.com/ses/latest/dg/quotas.html
  BulkEmailEntries: z
    .array(
      z.object({
        Destination: destination,
        ReplacementTags: tags,
        ReplacementHeaders: shared.Headers,
        ReplacementEmailContent: z
          .object({ ReplacementTemplate: z.object({ ReplacementTemplateData: z.string().optional() }).optional() })
          .default({}),
      }),
    )
    .max(50, 'has more than 50 entries'),
})

type Shared = Pick<z.output<typeof template>, 'Headers' | 'Attachments'>

const extras = ({ Headers, Attachments }: Shared) => ({
  headers: Object.fromEntries(Headers.map(({ Name, Value }) => [Name, Value])),
  attachments: Attachments.map((one) => attachmentOf(one.FileName, one.RawContent, one.ContentType, one.ContentId)),
})

function ofTemplate(call: ProviderCall, wanted: z.output<typeof template>, replaced?: string): SesMail['content'] {
  const { TemplateName, TemplateArn, TemplateContent, TemplateData } = wanted
  const name = TemplateName ?? TemplateArn?.split('/').at(-1)
  if (name !== undefined) return { ...templated(call, name, TemplateData, replaced), ...extras(wanted) }
  if (!TemplateContent) throw new ProviderError('invalid', 'Template: name a template, or give its content', 'Template')
  const { Subject, Text, Html } = TemplateContent
  const values = { ...dataOf(TemplateData), ...dataOf(replaced) }
  return { ...fromTemplate({ subject: Subject, text: Text, html: Html }, values), ...extras(wanted) }
}

function contentOf(
  call: ProviderCall,
  { Simple, Raw, Template }: z.output<typeof email>['Content'],
): SesMail['content'] {
  if (Raw) return Buffer.from(Raw.Data, 'base64')
  if (Template) return ofTemplate(call, Template)
  if (!Simple) throw new ProviderError('invalid', 'Content: write Simple, Raw or Template', 'Content')
  const { Subject, Body } = Simple
  return { subject: Subject.Data, text: Body.Text?.Data, html: Body.Html?.Data, ...extras(Simple) }
}

/** Returns the sender, the recipients and the configuration set of a message. */
const envelopeOf = (wanted: Omit<z.output<typeof email>, 'Content' | 'EmailTags'>) => ({
  source: wanted.FromEmailAddress,
  to: wanted.Destination.ToAddresses,
  cc: wanted.Destination.CcAddresses,
  bcc: wanted.Destination.BccAddresses,
  replyTo: wanted.ReplyToAddresses,
  configurationSet: wanted.ConfigurationSetName,
})

const pairs = (given: z.output<typeof tags>) => given.map(({ Name, Value }) => [Name, Value] as const)

async function sendEmail(call: ProviderCall): Promise<Answer> {
  const wanted = jsonBody(call, email)
  const mail = outgoingMail(call, {
    ...envelopeOf(wanted),
    content: contentOf(call, wanted.Content),
    tags: pairs(wanted.EmailTags),
  })
  await send(call, [mail])
  return { body: { MessageId: mail.id } }
}

async function sendBulk(call: ProviderCall): Promise<Answer> {
  const wanted = jsonBody(call, bulk)
  const { Template } = wanted.DefaultContent
  const mailFor = (entry: (typeof wanted.BulkEmailEntries)[number]) => {
    const replaced = entry.ReplacementEmailContent.ReplacementTemplate?.ReplacementTemplateData
    const template = { ...Template, Headers: [...Template.Headers, ...entry.ReplacementHeaders] }
    return outgoingMail(call, {
      ...envelopeOf({ ...wanted, Destination: entry.Destination }),
      content: ofTemplate(call, template, replaced),
      tags: pairs([...wanted.DefaultEmailTags, ...entry.ReplacementTags]),
    })
  }
  const results: { Status: string; MessageId?: string; Error?: string }[] = []
  for (const entry of wanted.BulkEmailEntries) {
    try {
      const mail = mailFor(entry)
      await send(call, [mail])
      results.push({ Status: 'SUCCESS', MessageId: mail.id })
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      results.push({ Status: ENTRY_STATUSES[error.kind] ?? 'FAILED', Error: error.message })
    }
  }
  return { body: { BulkEmailEntryResults: results } }
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

export const versionTwoRoutes: readonly ProviderRoute[] = [
  { method: 'POST', path: /^\/v2\/email\/outbound-emails$/, run: sendEmail },
  { method: 'POST', path: /^\/v2\/email\/outbound-bulk-emails$/, run: sendBulk },
]
