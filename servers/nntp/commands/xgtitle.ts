import type { Wildmat } from '../../../src/news/wildmat.ts'
import { selectedGroup } from '../articles.ts'
import { defineCommand } from '../command.ts'
import { wildmat } from '../wire.ts'
import { descriptionLine } from './list-groups.ts'

/** XGTITLE [wildmat]: descriptions, by default of the selected group. RFC 2980 section 2.5. */
export const xgtitle = defineCommand<Wildmat | undefined>({
  name: 'XGTITLE',
  syntax: '[wildmat]',
  audience: 'reader',
  args: [0, 1],
  parse: ([groups]) => (groups === undefined ? undefined : wildmat(groups)),
  async run(session, groups) {
    const chosen = groups
      ? (await session.readableGroups()).filter(({ name }) => groups(name))
      : [selectedGroup(session).folder]
    session.replyLines(282, 'list of descriptions follows', chosen.map(descriptionLine))
  },
})
