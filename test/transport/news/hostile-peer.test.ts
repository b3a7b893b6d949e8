import pino from 'pino'
import { expect, test } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import { startPeer } from '../../support/scripted-peer.ts'

const soon = { timeout: 20_000, interval: 50 }

/** Starts a lab that has one article for such a peer. */
async function labFor(port: number, tls: 'off' | 'starttls') {
  const warnings: string[] = []
  const log = pino({ level: 'warn' }, { write: (line) => void warnings.push(line) })
  const feed = { peer: 'peer.test', host: '127.0.0.1', port, tls, interval: 50, user: 'me', password: 'hidden' }
  const addresses = ['general@lab.test']
  const lab = await startLab(
    {
      news: { groups: [{ name: 'lab.general', addresses }] },
      virtualServers: [{ protocol: 'smtp' }, { protocol: 'nntp', feeds: [feed] }],
    },
    { log },
  )
  await lab.deliver({ from: 'a@lab.test', subject: 'for the peer', text: 'x' }, { to: 'general@lab.test' })
  return { lab, warnings, [Symbol.asyncDispose]: () => lab.stop() }
}

test('a peer that refuses STARTTLS is sent nothing more: no name, no password, no article', async () => {
  await using peer = await startPeer('200 hi\r\n', () => '580 no\r\n')
  await using feeding = await labFor(peer.port, 'starttls')
  await expect.poll(() => peer.sessions(), soon).toBeGreaterThan(2)
  expect(new Set(peer.heard)).toEqual(new Set(['STARTTLS']))
  expect(feeding.warnings.join('')).toMatch(/STARTTLS: the peer answered 580/)
})

test('answers sent in clear text after the 382 are discarded', async () => {
  await using peer = await startPeer('200 hi\r\n', () => '382 go on\r\n281 you are in\r\n203 stream\r\n238 <x>\r\n')
  await using _feeding = await labFor(peer.port, 'starttls')
  // Only a TLS record follows.
  await expect.poll(() => peer.octets(), soon).toMatch(/^STARTTLS\r\n\x16\x03/)
  expect(peer.octets()).not.toMatch(/AUTHINFO|MODE|CHECK|TAKETHIS|for the peer/)
})

test.each([
  ['of 502', '502 go away\r\n', /the peer greeted with 502/],
  ['of 400', '400 closed for today\r\n', /the peer answered 400/],
  ['that is no response', '\x00\x01\x02\r\n', /not an NNTP response/],
  ['without a line end', `200 ${'x'.repeat(100_000)}\r\n`, /line longer than/],
])('a greeting %s fails and is retried', async (_, greeting, why) => {
  await using peer = await startPeer(greeting, () => undefined)
  await using feeding = await labFor(peer.port, 'off')
  await expect.poll(() => feeding.warnings.join(''), soon).toMatch(why)
  await expect.poll(() => peer.sessions(), soon).toBeGreaterThan(1)
  expect(await feeding.lab.articles('lab.general')).toHaveLength(1)
})

test('an unexpected answer ends the session, and the article is offered again', async () => {
  const codes: Record<string, string> = { AUTHINFO: '281 ok', MODE: '203 ok', CHECK: '299 what' }
  await using peer = await startPeer('200 hi\r\n', (line) => `${codes[line.split(' ')[0] ?? ''] ?? '500 ?'}\r\n`)
  await using _feeding = await labFor(peer.port, 'off')
  const offers = () => peer.heard.filter((line) => line.startsWith('CHECK ')).length
  await expect.poll(offers, soon).toBeGreaterThan(1)
  expect(new Set(peer.heard.filter((line) => line.startsWith('CHECK '))).size).toBe(1)
})
