import { z } from 'zod'
import { runInSlices } from '../../core/time/time-slice.ts'
import { checkNames, type Finding, findingLevels, type SpamVerdict } from '../../mail/checks/findings.ts'
import { VIEW_CHARS } from '../../mail/format/readable.ts'
import { assertAccess } from '../caller.ts'
import { flag } from '../input-types.ts'
import { defineOperation } from '../operation.ts'
import { notFound } from '../problem.ts'
import { authenticationOf } from './authentication.ts'
import { messageOf } from './find.ts'
import { type LinkAnswer, requestLinks } from './link-requests.ts'
import { SpamFilterError, spamVerdictOf } from './spam-filter.ts'

const finding = z
  .object({
    check: z.enum(checkNames),
    level: z.enum(findingLevels),
    message: z.string(),
    line: z.number().int().nullable().describe('Line of the decoded HTML; null for what has no line there.'),
    at: z
      .number()
      .int()
      .nullable()
      .describe('Index of the tag in the decoded HTML, for `mark` of the HTML; null for what has none.'),
    clients: z.array(z.string()).describe('Mail programs and receivers that it concerns; empty for all.'),
    source: z.string().describe('The standard, page or rule that says so.'),
  })
  .meta({ id: 'Finding' })

const checks = defineOperation('messages.checks', 'GET /messages/{id}/checks', {
  summary:
    'Check a message: HTML support of mail programs, links, images, accessibility, List-Unsubscribe, header, size, spam and authentication.',
  access: 'read',
  input: z.strictObject({
    id: z.string().describe('Id of the message.'),
    check: z.enum(checkNames).optional().describe('Only the findings of this check.'),
    request: flag
      .default(false)
      .describe(
        'Whether the lab requests the links of the message by HEAD: those to loopback addresses and to hosts of `webhooks` and `testing.verify.targets`. For administrators.',
      ),
  }),
  output: z.object({
    items: z.array(finding).describe('At most 100 findings of each check.'),
    isCut: z.boolean().describe('Whether the HTML is so long that only its beginning was checked.'),
  }),
  async run({ api, caller, input, signal }) {
    if (input.request) assertAccess(caller, 'administer')
    const at = await messageOf(api, caller, input.id)
    const wants = (name: Finding['check']): boolean => input.check === undefined || input.check === name
    // Most labs never need the data of the checks.
    const { checkMessage } = await import('../../mail/checks/checks.ts')
    const authentication = await authenticationOf(api, at)
    const mistakes: Finding[] = []
    let spam: SpamVerdict | undefined
    if (api.lab.config.mail.spamFilter !== undefined && wants('spam')) {
      try {
        spam = await spamVerdictOf(api, at, signal)
      } catch (error) {
        if (!(error instanceof SpamFilterError)) throw error
        mistakes.push(failure('spam', error.message, 'mail.spamFilter'))
      }
    }
    const found = await api.reader.use(at, async ({ read: message }) => {
      const links = await runInSlices(message.linksInSteps())
      const html = message.html ?? ''
      const items = await runInSlices(checkMessage({ message, html: html.slice(0, VIEW_CHARS), authentication, spam }))
      return { items, isCut: html.length > VIEW_CHARS, urls: links.map(({ href }) => href) }
    })
    if (!found) throw notFound(`message ${input.id} was deleted meanwhile`)
    if (input.request && wants('links'))
      mistakes.push(...(await requestLinks(api.lab, found.urls, { signal })).flatMap(linkMistake))
    return { items: [...found.items, ...mistakes].filter(({ check }) => wants(check)), isCut: found.isCut }
  },
})

const failure = (check: Finding['check'], message: string, source: string): Finding => ({
  check,
  level: 'error',
  message,
  line: null,
  at: null,
  clients: [],
  source,
})

function linkMistake({ url, status, reason }: LinkAnswer): Finding[] {
  if (status === undefined)
    return [{ ...failure('links', `${url} was not requested: ${reason}`, 'testing.verify.targets'), level: 'info' }]
  if (status > 0 && status < 400) return []
  return [
    failure(
      'links',
      `${url} ${status === 0 ? `does not answer: ${reason}` : `answers ${status}`}`,
      'RFC 9110 section 15',
    ),
  ]
}

export const checkOperations = [checks] as const
