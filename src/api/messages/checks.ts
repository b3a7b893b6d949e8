import { z } from 'zod'
import { runInSlices } from '../../core/time/time-slice.ts'
import { checkNames, findingLevels } from '../../mail/checks/findings.ts'
import { VIEW_CHARS } from '../../mail/format/readable.ts'
import { defineOperation } from '../operation.ts'
import { notFound } from '../problem.ts'
import { authenticationOf } from './authentication.ts'
import { messageOf } from './find.ts'

const finding = z
  .object({
    check: z.enum(checkNames),
    level: z.enum(findingLevels),
    message: z.string(),
    line: z.number().int().nullable().describe('Line of the decoded HTML; null for what has no line there.'),
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
  }),
  output: z.object({
    items: z.array(finding).describe('At most 100 findings of each check.'),
    isCut: z.boolean().describe('Whether the HTML is so long that only its beginning was checked.'),
  }),
  async run({ api, caller, input }) {
    const at = messageOf(api, caller, input.id)
    // Most labs never need the data of the checks.
    const { checkMessage } = await import('../../mail/checks/checks.ts')
    const authentication = await authenticationOf(api, at)
    const found = await api.reader.use(at, async ({ read: message }) => {
      await runInSlices(message.linksInSteps())
      const html = message.html ?? ''
      const items = await runInSlices(checkMessage({ message, html: html.slice(0, VIEW_CHARS), authentication }))
      return {
        items: input.check === undefined ? items : items.filter(({ check }) => check === input.check),
        isCut: html.length > VIEW_CHARS,
      }
    })
    if (!found) throw notFound(`message ${input.id} was deleted meanwhile`)
    return found
  },
})

export const checkOperations = [checks] as const
