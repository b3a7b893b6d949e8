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

  function* aliases({ newsgroups }) {
    for (const [index, { name, aliasOf, posting, peers }] of newsgroups.entries()) {
      const target = newsgroups.find((other) => other.name === aliasOf)
      if ((aliasOf !== undefined || peers !== 'accept') && posting === 'moderated') {
        const message = 'is moderated, but users cannot post to this newsgroup; remove posting and moderator'
        yield { path: ['newsgroups', index, 'posting'], message }
      }
      if (aliasOf === undefined) continue
      const path = ['newsgroups', index, 'aliasOf']
      if (!target) yield { path, message: `${aliasOf} is not one of newsgroups; add it` }
      // RFC 6048 section 3.1
      else if (target.aliasOf !== undefined || aliasOf === name) {
        yield { path, message: `${aliasOf} is an alias itself; name the newsgroup that keeps the articles` }
      }
      if (peers !== 'accept') yield { path, message: `has no effect with peers: ${peers}; keep one of the two keys` }
    }
  },

  function* sameGroups({ newsgroups }) {
    yield* repeated(newsgroups.map(({ name }, index) => ({ text: name, path: ['newsgroups', index, 'name'] })))
  },
]
