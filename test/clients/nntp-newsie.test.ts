import { expect, test } from 'vitest'
import { startClientLab } from '../support/client-lab.ts'
import { fetchedClient } from '../support/fetched-client.ts'
import { runProgram } from '../support/run-program.ts'

const newsie = fetchedClient('newsie-1.2.1/dist/index.js')

/** The client program. It prints one line of JSON for each step. */
const PROGRAM = String.raw`
const { readFileSync } = require('node:fs')
const [main, port, tlsPort, caFile] = process.argv.slice(1)
const Client = require(main).default
const tlsOptions = { ca: readFileSync(caFile), servername: 'localhost' }
const say = (value) => console.log(JSON.stringify(value))
async function main_() {
  const client = new Client(tlsPort === '0' ? { host: '127.0.0.1', port: Number(port), tlsOptions }
    : { host: '127.0.0.1', port: Number(tlsPort), tlsPort: true, tlsOptions })
  say((await client.connect()).code)
  if (tlsPort === '0') say((await client.startTls()).code)
  const user = await client.authInfoUser('alice')
  say([user.code, (await user.authInfoPass('secret')).code])
  const post = await client.post()
  const headers = { From: 'alice@lab.test', Newsgroups: 'lab.general', Subject: 'By newsie', 'Message-ID': '<n' + port + '@a>' }
  say((await post.send({ headers, body: ['Hello', '.dotted'] })).code)
  const { group } = await client.group('lab.general')
  say([group.name, group.number, group.low, group.high])
  const { article } = await client.article('<n' + port + '@a>')
  say([article.messageId, article.body])
  say((await client.listNewsgroups()).newsgroups)
  const [row] = (await client.over('1-')).articles
  say([row.headers.SUBJECT, row.headers.XREF, row.metadata[':lines']])
  say((await client.capabilities()).capabilities.VERSION)
  say((await client.quit()).code)
  client.disconnect()
}
main_().catch((error) => { console.error(error); process.exit(1) })
`

test.skipIf(!newsie).each(['implicit TLS', 'STARTTLS'])('newsie reads and posts over %s', async (way) => {
  await using client = await startClientLab()
  const { port, tlsPort } = client.lab.server('nntp')
  const args = [
    '-e',
    PROGRAM,
    newsie as string,
    String(port),
    way === 'STARTTLS' ? '0' : String(tlsPort),
    client.caFile,
  ]
  const result = await runProgram(process.execPath, args)
  expect(result.status, result.stdout + result.stderr).toBe(0)
  const printed = result.stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  expect(printed).toEqual([
    200,
    ...(way === 'STARTTLS' ? [382] : []),
    [381, 281],
    240,
    ['lab.general', 1, 1, 1],
    [`<n${port}@a>`, ['Hello', '.dotted']],
    [{ name: 'lab.general', description: 'General talk' }],
    ['By newsie', 'localhost lab.general:1', 2],
    ['2'],
    205,
  ])
  expect(client.lab.sessions().at(-1)?.tls?.version).toBe('TLSv1.3')
})
