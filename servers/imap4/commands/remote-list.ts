import { isSliceOver } from '../../../src/core/time/time-slice.ts'
import { type Command, defineCommand } from '../command.ts'
import { listPattern } from '../list-pattern.ts'
import { encodeMailboxName, patternName, readPattern } from '../mailbox-names.ts'
import { attributes, type MailboxNode, mailboxTree } from '../mailbox-tree.ts'
import { remoteMailboxes } from '../referrals.ts'
import { ok } from '../reply.ts'
import { loggedOn } from '../state.ts'
import { pause } from './list.ts'

/** Defines RLIST or RLSUB: LIST or LSUB of clients that know referrals, with the mailboxes on other servers. RFC 2193 section 5. */
const remoteList = (name: string, response: string, isListed: (node: MailboxNode) => boolean): Command =>
  defineCommand({
    name,
    states: loggedOn,
    parse: readPattern,
    async run(session, { identity }, pattern) {
      // An empty pattern asks for the separator, as with LIST. RFC 2193 section 5
      if (pattern === '') {
        session.send(`* ${response} (\\Noselect) "/" ""\r\n`)
        return ok()
      }
      const matches = listPattern(pattern)
      const remote = new Set(remoteMailboxes(identity.account))
      const tree = await mailboxTree(session, identity)
      const known = new Map(tree.map((node) => [node.name, node]))
      for (const path of [...new Set([...known.keys(), ...remote])].sort()) {
        if (isSliceOver()) await pause(session)
        const node = known.get(path) ?? { name: path, subscribed: false, hasChildren: false, exists: false }
        const isRemote = remote.has(path)
        const isShown = isListed(isRemote ? { ...node, exists: true } : node)
        if (!isShown || !matches(patternName(path, session))) continue
        const found = isRemote ? ['\\HasNoChildren', '\\Remote'] : attributes(node) // RFC 5258 section 3.2
        session.send(`* ${response} (${found.join(' ')}) "/" ${encodeMailboxName(path, session)}\r\n`)
      }
      return ok()
    },
  })

export const rlist = remoteList('RLIST', 'LIST', ({ exists }) => exists)
export const rlsub = remoteList('RLSUB', 'LSUB', ({ subscribed }) => subscribed)
