import { eachServer, findRepeated, type Rule } from './rule.ts'

/** Rules about newsgroups and feeds. */
export const newsRules: readonly Rule[] = [
  eachServer(function* unknownPeers(server, at) {
    for (const [index, { direction, from, account }] of server.feeds.entries()) {
      if (direction === 'out' || direction === 'pull' || from.length > 0 || account !== undefined) continue
      yield {
        path: [...at, 'feeds', index, 'direction'],
        message: `is ${direction}, but nothing identifies the peer; add from: [ADDRESS] or account: NAME`,
      }
    }
  }),

  function* noModerator({ news: { groups } }) {
    for (const [index, group] of groups.entries()) {
      if (group.posting === 'moderated' && group.moderator === undefined) {
        yield {
          path: ['news', 'groups', index, 'posting'],
          message:
            'is moderated, but the newsgroup has no moderator; add moderator: ADDRESS, or write posting: yes or no',
        }
      }
    }
  },

  function* aliases({ news: { groups } }) {
    for (const [index, { name, aliasOf, posting, peers }] of groups.entries()) {
      const target = groups.find((other) => other.name === aliasOf)
      if ((aliasOf !== undefined || peers !== 'accept') && posting === 'moderated') {
        const message = 'is moderated, but users cannot post to this newsgroup; remove posting and moderator'
        yield { path: ['news', 'groups', index, 'posting'], message }
      }
      if (aliasOf === undefined) continue
      const path = ['news', 'groups', index, 'aliasOf']
      if (!target) yield { path, message: `${aliasOf} is not one of news.groups; add it` }
      // RFC 6048 section 3.1
      else if (target.aliasOf !== undefined || aliasOf === name) {
        yield { path, message: `${aliasOf} is an alias itself; name the newsgroup that keeps the articles` }
      }
      if (peers !== 'accept') yield { path, message: `has no effect with peers: ${peers}; keep one of the two keys` }
    }
  },

  function* sameGroups({ news: { groups } }) {
    yield* findRepeated(groups.map(({ name }, index) => ({ text: name, path: ['news', 'groups', index, 'name'] })))
  },
]
