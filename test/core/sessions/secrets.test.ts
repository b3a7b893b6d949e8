import { expect, it } from 'vitest'
import type { Protocol } from '../../../src/core/config/schema.ts'
import { describeTranscript } from '../../../src/core/sessions/describe.ts'
import type { SessionRecord } from '../../../src/core/sessions/types.ts'
import { LineClient } from '../../support/line-client.ts'
import { workplaceOfEach } from '../../support/sealpost.ts'
import { needles, PASSWORD, type Script, scripts } from './log-on-scripts.ts'

const place = workplaceOfEach()

const protocols: readonly Protocol[] = ['smtp', 'pop3', 'imap4', 'nntp']
const accounts = `{ accounts: [{ user: alice, password: ${PASSWORD} }] }`

/** Sends a script, one segment per line of the server, until the server closes. Returns the server's lines. */
async function play(port: number, script: Script): Promise<string[]> {
  const client = await LineClient.open(port)
  const lines = [await client.line()]
  for (const segment of script) {
    client.send(`${segment}\r\n`)
    lines.push(await client.line())
  }
  client.end()
  return [...lines, ...(await client.rest())].filter((line) => line !== undefined)
}

/** Returns every place where a secret appears, with its surroundings. */
function leaks(text: string): string[] {
  return needles().flatMap((needle) => {
    const at = text.indexOf(needle)
    return at === -1 ? [] : [text.slice(Math.max(0, at - 80), at + needle.length + 20)]
  })
}

it('HTTP: transcripts, logs and JSON contain no secrets of URLs and header fields', async () => {
  place.write(
    'lab.yaml',
    `certificates: { store: certs, key: p256 }\ndirectory: ${accounts}\nvirtualServers: [{ protocol: http, port: 0, tlsPort: off, limits: { failedLogonDelay: off } }]\n`,
  )
  await using lab = await place.start(['--config', 'lab.yaml', '--log-level', 'trace'])
  const port = lab.endpoint('http').port ?? 0
  const basic = Buffer.from(`alice:${PASSWORD}`).toString('base64')
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
  const heads = [
    `GET /api/v1/status?token=${PASSWORD} HTTP/1.1`,
    `GET /api/v1/status?%74oken=${PASSWORD}&x=1 HTTP/1.1`,
    `GET /nowhere?access_token=${PASSWORD} HTTP/1.1`,
    `GET http://alice:${PASSWORD}@localhost/api/v1/status HTTP/1.1`,
    `GET http://alice:${PASSWORD}@elsewhere.test/ HTTP/1.1`,
    `POST /api/v1/messages?api_key=${PASSWORD} HTTP/1.1\r\nOrigin: http://x:${PASSWORD}@evil.test`,
    `GET /?token=${PASSWORD} HTTP/1.1\r\nno field`,
    `GET /?token=${PASSWORD} HTTP/1.1\r\nExpect: ${PASSWORD}`,
    `GET /mailpit/api/events?token=${PASSWORD} HTTP/1.1\r\n${upgrade}X: y`,
    `GET / HTTP/1.1\r\nAuthorization: Bearer ${PASSWORD}`,
    `GET / HTTP/1.1\r\nAuthorization: ${PASSWORD}`,
    `GET / HTTP/1.1\r\nAuthorization: Basic ${basic}`,
    `GET / HTTP/1.1\r\nCookie: session=${PASSWORD}`,
  ]
  for (const head of heads) {
    using client = await LineClient.open(port)
    client.send(`${head}\r\nHost: localhost\r\n${/websocket/.test(head) ? '' : 'Connection: close\r\n'}\r\n`)
    await client.line()
  }
  const json = await place.run(['sessions', '--config', 'lab.yaml', '--json'])
  expect(json.stdout.trim().split('\n').length).toBeGreaterThanOrEqual(heads.length)
  expect(json.stdout).toContain('/api/v1/status?token=***')
  expect(leaks(json.stdout)).toEqual([])
  for (const path of ['sessions?limit=100', 'sessions/http-1', 'sessions/http-4?format=text', 'log']) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)
    expect(leaks(await answer.text()), path).toEqual([])
  }
  await lab.end()
  expect(leaks(lab.stderr.join(''))).toEqual([])
})

it.each([
  ['where clear-text log-on is allowed', '[anonymous, basic]'],
  ['where it is refused', '[anonymous, basic-over-tls]'],
])(
  'replies, transcripts, logs and JSON contain no secrets %s, for every mechanism and form',
  async (_, authentication) => {
    const servers = protocols.map(
      (protocol) =>
        `{ protocol: ${protocol}, port: 0, tlsPort: off, authentication: ${authentication}, limits: { failedLogonDelay: off } }`,
    )
    const certificates = 'certificates: { store: certs, key: p256 }'
    place.write('lab.yaml', `${certificates}\ndirectory: ${accounts}\nvirtualServers: [${servers.join(', ')}]\n`)
    await using lab = await place.start(['--config', 'lab.yaml', '--log-level', 'trace'])
    const count = protocols.reduce((sum, protocol) => sum + scripts[protocol].length, 0)
    for (const protocol of protocols) {
      for (const script of scripts[protocol]) {
        const replies = await play(lab.endpoint(protocol).port ?? 0, script)
        expect(leaks(replies.join('\n')), `${protocol}: ${script.join(' / ')}`).toEqual([])
      }
    }
    const json = await place.run(['sessions', '--config', 'lab.yaml', '--json'])
    const records = json.stdout.trim().split('\n')
    expect(records).toHaveLength(count)
    // The transcripts exist; only the secrets are masked.
    expect(json.stdout).toContain('***')
    expect(json.stdout).toContain('AUTHINFO PASS ***')
    expect(leaks(json.stdout)).toEqual([])
    for (const record of records)
      expect(leaks(describeTranscript(JSON.parse(record) as SessionRecord).join('\n'))).toEqual([])
    await lab.end()
    const log = lab.stderr.join('')
    expect(log.match(/session ended/g)).toHaveLength(count)
    expect(leaks(log)).toEqual([])
  },
)
