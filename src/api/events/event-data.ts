import { sessionJson } from '../../core/sessions/describe.ts'
import { timeText } from '../../core/time/time-text.ts'
import type { Api } from '../api.ts'
import { type Caller, seesFolder, seesLab, seesMessage, seesSession } from '../caller.ts'
import { lineFacts } from '../log.ts'
import { seenMessage } from '../messages/find.ts'
import { summarize } from '../messages/summary.ts'
import type { LabEvent } from './event-log.ts'

/** Returns what a caller learns of an event; undefined if it does not concern the caller. */
export async function eventData(
  api: Api,
  caller: Caller,
  event: LabEvent,
): Promise<Record<string, unknown> | undefined> {
  const { at, message, session, line, facts: given, isOfLab } = event
  if (isOfLab && !seesLab(caller)) return undefined
  const base = { at: timeText(at), ...given }
  if (message) {
    const { id, folder, entry } = message
    if (!seesFolder(caller, folder) || !seesMessage(caller, folder, entry)) return undefined
    const found = await seenMessage(api, caller, id)
    const facts = found && (await api.reader.facts(found))
    return { ...base, id, ...(facts ? { message: summarize(found, facts, { api, caller }) } : {}) }
  }
  if (session) {
    if (!seesSession(caller, session)) return undefined
    const record = api.lab.sessionLog.get(session.id)
    const { transcript: _, ...summary } = record ? (sessionJson(record) as Record<string, unknown>) : { ...session }
    return { ...base, id: session.id, session: summary }
  }
  if (line !== undefined) {
    const found = api.lab.logLines.get(line)
    return found && lineFacts(found)
  }
  return base
}
