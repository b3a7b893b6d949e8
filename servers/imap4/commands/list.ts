import { TimeSlice } from '../../../src/common/time-slice.ts'
import type { OctetString } from '../../../src/mail/types.ts'
import { defineCommand } from '../command.ts'
import { nameForm, superiors, wireName } from '../mailbox-names.ts'
import { attributes, type MailboxNode, mailboxTree } from '../mailbox-tree.ts'
import { done } from '../reply.ts'
import type { Session } from '../session.ts'
import { loggedOn } from '../state.ts'
import { statusLine } from '../status-line.ts'
import { matchesPattern } from '../wire/list-pattern.ts'
import { type ListRequest, listRequest } from '../wire/list-request.ts'

/** LIST, basic and extended. RFC 9051 section 6.3.9; RFC 5258, 5819, 6154. */
export const list = defineCommand({
  name: 'LIST',
  states: loggedOn,
  parse: listRequest,
  async run(session, { identity }, request) {
    // An empty pattern asks for the separator. RFC 9051 section 6.3.9
    if (!request.extended && request.patterns[0] === '') {
      session.say('* LIST (\\Noselect) "/" ""\r\n')
      return done('that is the separator')
    }
    const tree = await mailboxTree(session, identity)
    const aboveSelected = request.select.has('RECURSIVEMATCH')
      ? new Set(tree.filter((node) => isSelected(node, request)).flatMap(({ name }) => superiors(name)))
      : undefined
    const timeSlice = new TimeSlice()
    for (const node of tree) {
      if (timeSlice.isOver()) await timeSlice.yield()
      if (!request.patterns.some((pattern) => matchesPattern(wireName(node.name, session), pattern))) continue
      const below = aboveSelected?.has(node.name) ?? false
      if (!isSelected(node, request) && !below) continue
      session.say(listLine(session, node, request, below))
      if (request.status && node.folder) session.say(await statusLine(session, node.folder, request.status))
    }
    return done('those are the mailboxes')
  },
})

/** Whether a name is what the selection options ask for. RFC 5258 section 3.1. */
function isSelected(node: MailboxNode, { select }: ListRequest): boolean {
  if (select.has('SUBSCRIBED') ? !node.subscribed : !node.exists) return false
  return !select.has('SPECIAL-USE') || node.folder?.specialUse !== undefined
}

function listLine(session: Session, node: MailboxNode, request: ListRequest, below: boolean): OctetString {
  const found = attributes(node)
  const wantsSubscribed = request.select.has('SUBSCRIBED') || request.returns.has('SUBSCRIBED')
  if (wantsSubscribed && node.subscribed) found.unshift('\\Subscribed')
  // RFC 5258 section 3.5: which criteria something below fulfils.
  const criteria = below ? ['SUBSCRIBED', 'SPECIAL-USE'].filter((option) => request.select.has(option)) : []
  const info = criteria.length > 0 ? ` ("CHILDINFO" (${criteria.map((name) => `"${name}"`).join(' ')}))` : ''
  return `* LIST (${found.join(' ')}) "/" ${nameForm(node.name, session)}${info}\r\n`
}
