import { eachServer, type Rule, repeated } from './rule.ts'

/** Rules about newsgroups and feeds. */
export const newsRules: readonly Rule[] = [
  eachServer(function* unknownPeers(server, at) {
    for (const [index, { direction, addresses, account }] of server.feeds.entries()) {
      if (direction === 'out' || direction === 'pull' || addresses.length > 0 || account !== undefined) continue
      yield {
        path: [...at, 'feeds', index, 'direction'],
        message: `is ${direction}, but nothing identifies the peer; add addresses: [ADDRESS] or account: NAME`,
      }
    }
  }),

  function* noModerator({ newsgroups }) {
    for (const [index, group] of newsgroups.entries()) {
      if (group.posting === 'moderated' && group.moderator === undefined) {
        yield {
          path: ['newsgroups', index, 'posting'],
          message:
            'is moderated, but the newsgroup has no moderator; add moderator: ADDRESS, or write posting: yes or no',
        }
      }
    }
  },

  function* sameGroups({ newsgroups }) {
    yield* repeated(newsgroups.map(({ name }, index) => ({ text: name, path: ['newsgroups', index, 'name'] })))
  },
]
