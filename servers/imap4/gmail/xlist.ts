import { isSliceOver } from '../../../src/core/time/time-slice.ts'
import { defineCommand } from '../command.ts'
import { pause } from '../commands/list.ts'
import { listPattern } from '../list-pattern.ts'
import { encodeMailboxName, patternName, readPattern } from '../mailbox-names.ts'
import { attributes, mailboxTree } from '../mailbox-tree.ts'
import { bad, ok } from '../reply.ts'
import { loggedOn } from '../state.ts'

/** The attributes that XLIST had before RFC 6154. */
const OLD_USES: Readonly<Record<string, string>> = { '\\All': '\\AllMail', '\\Junk': '\\Spam' }

/** XLIST reference pattern: LIST with special uses, as Gmail had it before RFC 6154. */
export const xlist = defineCommand({
  name: 'XLIST',
  states: loggedOn,
  check(session) {
    if (!session.words?.hasLabels) throw bad('Unknown command.')
  },
  parse: readPattern,
  async run(session, { identity }, pattern) {
    // An empty pattern asks for the separator, as with LIST.
    if (pattern === '') {
      session.send('* XLIST (\\Noselect) "/" ""\r\n')
      return ok()
    }
    const matches = listPattern(pattern)
    for (const node of await mailboxTree(session, identity)) {
      if (isSliceOver()) await pause(session)
      if (!node.exists || !matches(patternName(node.name, session))) continue
      const found = attributes(node).map((attribute) => OLD_USES[attribute] ?? attribute)
      if (node.name === 'INBOX') found.push('\\Inbox')
      session.send(`* XLIST (${found.join(' ')}) "/" ${encodeMailboxName(node.name, session)}\r\n`)
    }
    return ok()
  },
})
