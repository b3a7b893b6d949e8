import { TimeSlice } from '../../../src/common/time-slice.ts'
import { defineCommand } from '../command.ts'
import { canonical, nameForm, patternOf, superiors, wireName } from '../mailbox-names.ts'
import { attributes, mailboxTree } from '../mailbox-tree.ts'
import { done } from '../reply.ts'
import { loggedOn } from '../state.ts'
import { matchesPattern } from '../wire/list-pattern.ts'

/**
 * LSUB reference pattern: names subscribed to. Where `%` stops above one, the level is listed as \Noselect.
 * RFC 3501 section 6.3.9.
 */
export const lsub = defineCommand({
  name: 'LSUB',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    const reference = patternOf(cursor.astring(), session)
    cursor.space()
    return canonical(reference + patternOf(cursor.listMailbox(), session))
  },
  async run(session, { identity }, pattern) {
    const tree = await mailboxTree(session, identity)
    const above = new Set(tree.filter(({ subscribed }) => subscribed).flatMap(({ name }) => superiors(name)))
    const timeSlice = new TimeSlice()
    for (const node of tree) {
      if (timeSlice.isOver()) await timeSlice.yield()
      if (!matchesPattern(wireName(node.name, session), pattern)) continue
      if (!node.subscribed && !(pattern.includes('%') && above.has(node.name))) continue
      const found = node.subscribed ? attributes(node) : ['\\Noselect']
      session.say(`* LSUB (${found.join(' ')}) "/" ${nameForm(node.name, session)}\r\n`)
    }
    return done('those are the subscriptions')
  },
})
