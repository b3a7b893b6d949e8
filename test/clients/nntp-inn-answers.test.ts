import { expect, test } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { hasInn, Inn } from '../support/inn.ts'
import type { LineClient } from '../support/line-client.ts'
import { articleOf, startNewsLab } from '../support/news-lab.ts'

/** Intended differences: INN's code, ours, and the reason. */
const differences: Readonly<Record<string, readonly [inn: string, ours: string, why: string]>> = {
  'XOVER 5-': ['224', '420', 'RFC 2980 section 2.8'],
  'OVER <1@a>': ['503', '224', 'Sealpost announces OVER MSGID'],
  'LIST EXTENSIONS': ['501', '202', 'for clients older than RFC 3977'],
  'LIST DISTRIBUTIONS': ['215', '503', 'no distributions are configured; INN has an empty file'],
  'AUTHINFO GENERIC x': ['503', '501', 'what clients that try NTLM expect'],
}

/** Sent to both servers in this order. lab.general has two articles, lab.test has none. */
const commands = [
  ...['ARTICLE', 'OVER 1', 'LISTGROUP', 'NEXT', 'GROUP lab.general', 'STAT', 'NEXT', 'NEXT', 'LAST', 'LAST'],
  ...['LISTGROUP lab.general 2-', 'LISTGROUP lab.general 9-', 'OVER', 'OVER 1-', 'OVER 5-', 'XOVER 1-'],
  ...['XHDR subject 5-9', 'HDR subject 5-9', 'XHDR xyzzy 1-2', 'HDR xyzzy 1-2', 'HDR :bytes 1', 'HDR :foo 1'],
  ...['XPAT subject 1-9 *nothing*', 'ARTICLE <nope@x>', 'ARTICLE 99', 'HEAD foo', 'STAT <1@a>', 'HDR subject <1@a>'],
  ...['XHDR subject <1@a>', 'XPAT subject <1@a> *', 'HEAD <1@a>', 'BODY 1', 'GROUP lab.test', 'STAT', 'NEXT', 'LAST'],
  ...['OVER', 'OVER 1-', 'XHDR subject 1-', 'HDR subject 1-', 'LISTGROUP', 'GROUP nope', 'GROUP', 'GROUP a b'],
  ...['NEWGROUPS 20991231 000000 GMT', 'NEWGROUPS x', 'NEWNEWS lab.* 20000101 000000 GMT', 'NEWNEWS lab.*'],
  ...['LIST', 'LIST ACTIVE lab.*', 'LIST FOO', 'LIST COUNTS lab.*', 'LIST HEADERS', 'LIST OVERVIEW.FMT', 'LIST MOTD'],
  ...['LIST MODERATORS', 'LIST SUBSCRIPTIONS', 'LIST ACTIVE.TIMES', 'LIST NEWSGROUPS', 'XGTITLE lab.*'],
  ...['DATE', 'DATE x', 'HELP', 'HELP x', 'MODE FOO', 'MODE', 'MODE READER', 'AUTHINFO', 'AUTHINFO FOO', 'HDR'],
  ...[
    'OVER foo',
    'OVER 1-2-3',
    'COMPRESS',
    'COMPRESS FOO',
    'XPATH',
    'SLAVE',
    'NONSENSE',
    'CAPABILITIES',
    'GROUP lab.general',
  ],
  ...Object.keys(differences),
  'QUIT',
]

const MULTI_LINE = new Set(['100', '101', '202', '215', '220', '221', '222', '224', '225', '230', '231', '282'])

async function codeOf(client: LineClient, command: string): Promise<string> {
  client.send(`${command}\r\n`)
  const code = ((await client.line()) ?? '').slice(0, 3)
  const isMultiLine = MULTI_LINE.has(code) || (code === '211' && command.startsWith('LISTGROUP'))
  if (isMultiLine) await client.lines((line) => line === '.')
  return code
}

test.skipIf(!hasInn())('replies have the same codes as INN', async () => {
  const [port] = await freePorts(1)
  await using inn = await Inn.start({
    pathHost: 'inn.test',
    port: port as number,
    groups: ['lab.general', 'lab.test'],
    peers: [],
  })
  await using lab = await startNewsLab()
  const [theirs, ours] = [await inn.reader(), await lab.client()]
  for (const client of [theirs, ours]) {
    for (const n of [1, 2]) {
      client.send('POST\r\n')
      await client.line()
      client.send(Buffer.concat([articleOf(`Message-ID: <${n}@a>`), Buffer.from('.\r\n')]))
      expect(await client.line()).toMatch(/^240 /)
    }
  }
  const [inns, labs]: [string[], string[]] = [[], []]
  for (const command of commands) {
    const [expected, own] = differences[command] ?? []
    const [inn, lab] = [await codeOf(theirs, command), await codeOf(ours, command)]
    inns.push(`${inn} ${command}`)
    // A listed difference that no longer exists fails too.
    labs.push(
      own === lab && expected === inn ? `${inn} ${command}` : `${own === undefined ? lab : `not ${own}`} ${command}`,
    )
  }
  expect(labs).toEqual(inns)
})
