import { test } from 'vitest'
import { startNewsLab } from '../../support/news-lab.ts'

const newsgroups = [
  { name: 'lab.general', description: 'General talk', suggested: true },
  { name: 'lab.announce', description: 'Ankündigungen', posting: 'moderated' as const, moderator: 'alice@lab.test' },
  { name: 'lab.archive', posting: 'no' as const },
]

test('RFC 3977 section 7.6: LIST ACTIVE, ACTIVE.TIMES, NEWSGROUPS', async () => {
  await using lab = await startNewsLab({ newsgroups })
  await lab.post()
  await lab.play(`
    C: LIST
    S: 215 *
    S: lab.announce 0 1 m
    S: lab.archive 0 1 n
    S: lab.general 1 1 y
    S: .
    C: list active lab.a*,!lab.archive
    S: 215 *
    S: lab.announce 0 1 m
    S: .
    C: LIST ACTIVE nothing.*
    S: 215 *
    S: .
    C: LIST ACTIVE.TIMES lab.general
    S: 215 *
    S: lab.general ${Date.UTC(2026, 10, 25, 12) / 1000} configuration
    S: .
    C: LIST NEWSGROUPS
    S: 215 *
    S: lab.announce\\x09Ank\\xc3\\xbcndigungen
    S: lab.archive\\x09
    S: lab.general\\x09General talk
    S: .
    C: LIST NEWSGROUPS lab.general
    S: 215 *
    S: lab.general\\x09General talk
    S: .
  `)
})

test('RFC 3977 sections 8.4 and 8.6: LIST OVERVIEW.FMT and HEADERS', async () => {
  await using lab = await startNewsLab({ newsgroups })
  const headers = 'S: 215 *\nS: :\nS: :bytes\nS: :lines\nS: .'
  await lab.play(`
    C: LIST OVERVIEW.FMT
    S: 215 *
    S: Subject:
    S: From:
    S: Date:
    S: Message-ID:
    S: References:
    S: :bytes
    S: :lines
    S: Xref:full
    S: .
    C: LIST HEADERS
    ${headers}
    C: LIST HEADERS MSGID
    ${headers}
    C: LIST HEADERS RANGE
    ${headers}
    C: LIST HEADERS NONSENSE
    S: 501 *
  `)
})

test('RFC 6048: COUNTS, DISTRIBUTIONS, MODERATORS, MOTD, SUBSCRIPTIONS; RFC 3977 section 7.6.5: DISTRIB.PATS', async () => {
  const server = {
    motd: 'Welcome.\n.A dot\n',
    distributions: [
      { name: 'local', description: 'This lab', groups: 'lab.*', weight: 10 },
      { name: 'world', description: 'Everywhere', weight: 1 },
    ],
  }
  await using lab = await startNewsLab({ newsgroups, server })
  await lab.post()
  await lab.play(`
    C: LIST COUNTS lab.general
    S: 215 *
    S: lab.general 1 1 1 y
    S: .
    C: LIST MODERATORS
    S: 215 *
    S: lab.announce:alice@lab.test
    S: .
    C: LIST SUBSCRIPTIONS
    S: 215 *
    S: lab.general
    S: .
    C: LIST MOTD
    S: 215 *
    S: Welcome.
    S: ..A dot
    S: .
    C: LIST DISTRIBUTIONS
    S: 215 *
    S: local\\x09This lab
    S: world\\x09Everywhere
    S: .
    C: LIST DISTRIB.PATS
    S: 215 *
    S: 10:lab.*:local
    S: .
    C: LIST EXTENSIONS
    S: 202 *
  `)
  await using bare = await startNewsLab()
  await bare.play('C: LIST MOTD\nS: 503 *\nC: LIST DISTRIBUTIONS\nS: 503 *\nC: LIST DISTRIB.PATS\nS: 503 *')
})

test('RFC 3977 section 3.1.1: a line end in a description does not split its line', async () => {
  await using lab = await startNewsLab({ newsgroups: [{ name: 'lab.general', description: 'one\r\n.\r\ntwo' }] })
  const shown = 'S: lab.general\\x09one . two\nS: .'
  await lab.play(`C: LIST NEWSGROUPS\nS: 215 *\n${shown}\nC: XGTITLE lab.*\nS: 282 *\n${shown}\nC: DATE\nS: 111 *`)
})
