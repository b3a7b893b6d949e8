import { z } from 'zod'
import { parseOnDemand } from '../../core/config/on-demand/parse.ts'
import { timeText } from '../../core/time/time-text.ts'
import { releasedForm } from '../../transport/delivery/released.ts'
import { reportStored } from '../../transport/delivery/reports/on-demand/report-stored.ts'
import { originOf } from '../caller.ts'
import { defineOperation } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { messageOf } from './find.ts'

const report = defineOperation('messages.report', 'POST /messages/{id}/report', {
  summary:
    'Send a bounce, a spam complaint or an out-of-office reply to the sender of a message, or an event to the webhooks of the provider by whose API it was sent.',
  access: 'administer',
  input: z.strictObject({
    id: z.string().describe('Id of the message.'),
    report: z
      .string()
      .describe(
        'The report, as the local part of an address asks for it: bounce+550, bounce+5.1.1.postfix.30s, complaint+abuse or vacation+reply; event+opened, event+clicked or event+unsubscribed for mail that was sent by the API of a provider.',
      ),
  }),
  output: z.object({
    id: z.string(),
    from: z.string().describe('The return path of the message, which gets the report.'),
    recipients: z.array(z.string()).describe('The recipients that the report is about.'),
    dueAt: z.iso.datetime().describe('When the report is sent, by the lab’s clock.'),
  }),
  problems: ['conflict', 'invalid'],
  async run({ api, caller, input: { id, report: text } }) {
    const { folder, entry } = await messageOf(api, caller, id)
    const wanted = parseOnDemand(text)
    if (!wanted || wanted.kind === 'refuse')
      throw new ApiProblem(
        'invalid',
        `${text} is not a report; write for example bounce+550, complaint+abuse or vacation+reply`,
      )
    const { mailFrom = '', rcptTo = [], session, client } = entry.envelope ?? {}
    if (mailFrom === '')
      throw new ApiProblem('conflict', `message ${id} has no return path, so nobody can get a report`)
    const raw = await api.lab.store.read(folder.id, entry.uid)
    if (!raw) throw notFound(`message ${id} was deleted meanwhile`)
    const facts = { raw, from: mailFrom, recipients: rcptTo, at: entry.internalDate, sizeOctets: entry.sizeOctets }
    const { sessionId: by, user } = originOf(caller)
    const note = () =>
      api.lab.histories.add(entry.blob, { type: 'reported', text, recipients: rcptTo, session: by, user })
    if (await api.reportProviderEvent?.(facts, wanted)) {
      note()
      return {
        id,
        from: mailFrom,
        recipients: [...rcptTo],
        dueAt: timeText(api.lab.clock.now() + (wanted.delayMs ?? 0)),
      }
    }
    if (wanted.kind === 'event')
      throw new ApiProblem(
        'conflict',
        `message ${id} was not sent by the API of a provider, which would report ${text}`,
      )
    const mail = { message: releasedForm(raw), mailFrom, rcptTo, session, client, arrivedAt: entry.internalDate }
    const dueAt = await reportStored(api.lab.services, mail, wanted, api.lab.clock.now())
    note()
    return { id, from: mailFrom, recipients: [...rcptTo], dueAt: timeText(dueAt) }
  },
})

export const reportOperations = [report] as const
