import { defineCommand } from '../command.ts'
import { Notifications } from '../notify/notifications.ts'
import { NO_EVENTS, notifyRequest } from '../notify/request.ts'
import { sendStates } from '../notify/responses.ts'
import { ok } from '../reply.ts'
import { reportChanges } from '../report.ts'
import { loggedOn } from '../state.ts'

/** NOTIFY SET [STATUS] (mailboxes (events))…, NOTIFY NONE: which changes are sent, also without a command. RFC 5465. */
export const notify = defineCommand({
  name: 'NOTIFY',
  states: loggedOn,
  updates: 'none',
  parse: notifyRequest,
  async run(session, state, request) {
    session.notifier?.close()
    session.notifier = undefined
    // Earlier changes are sent as after NOOP. RFC 5465 section 3.1
    if (state.name === 'selected') await reportChanges(session, state.selection, true)
    const wanted = request === 'none' ? { status: false, selected: NO_EVENTS, groups: [] } : request
    const notifications = await Notifications.start(session, state.identity, wanted)
    session.notifier = notifications
    if (wanted.status) {
      await sendStates(session, state.identity, (name, event) => notifications.wants(name, event))
    }
    return ok()
  },
})
