import { startLab } from '../../src/testing/index.ts'
import { expect, test } from '../../src/testing/runners/vitest.ts'
import { HttpLab } from '../servers/http/client.ts'

const unicode = 'kunde@müller.example'
const ascii = 'kunde@xn--mller-kva.example'
const NFD = (text: string): string => text.normalize('NFD')

test('the Unicode and ASCII forms of a domain are one address in deliveries, filters and errors', async () => {
  await using lab = await startLab({
    directory: { accounts: [{ user: 'kunde', password: 'x', addresses: [unicode] }] },
  })
  await lab.deliver({ subject: 'Für Jürgen', text: NFD('schöne Grüße') }, ascii)
  await lab.deliver({ subject: NFD('Für Jürgen') }, { to: unicode, from: `shop@xn--bcher-kva.example` })
  for (const to of [unicode, ascii, NFD(unicode), unicode.toUpperCase()])
    expect(await lab.messages({ to })).toHaveLength(2)
  for (const subject of ['jürgen', NFD('JÜRGEN'), /Jürgen/]) expect(await lab.messages({ subject })).toHaveLength(2)
  for (const from of ['bücher.example', 'xn--bcher-kva.example', NFD('shop@bücher'), /bücher/]) {
    expect(await lab.messages({ from })).toHaveLength(1)
  }
  expect(await lab.messages({ text: 'schöne grüße' })).toHaveLength(1)
  expect((await lab.waitForMessage(unicode)).user).toBe('kunde')
  expect((await lab.waitForMessage(ascii)).user).toBe('kunde')
})

test('the same over HTTP, in waits and searches', async () => {
  await using http = await HttpLab.start({
    directory: { mode: 'open', accounts: [{ user: 'kunde', password: 'x', addresses: [unicode] }] },
  })
  await http.lab.deliver(
    { from: 'shop@xn--bcher-kva.example', subject: NFD('Für Jürgen'), text: NFD('schöne Grüße') },
    { to: ascii },
  )
  for (const query of [
    'subject:jürgen',
    `subject:${NFD('jürgen')}`,
    NFD('"schöne grüße"'),
    `to:${unicode}`,
    'from:bücher',
  ]) {
    const { body } = await http.request(`messages?query=${encodeURIComponent(query)}`)
    expect([query, body.total]).toEqual([query, 1])
  }
  const { body } = await http.request('wait', {
    json: { to: unicode, from: 'bücher', subject: 'Jürgen', timeout: '1s' },
  })
  expect(body.subject).toBe(NFD('Für Jürgen'))
})

test('other letters differ, in waits and searches', async () => {
  await using http = await HttpLab.start({ directory: { mode: 'open' } })
  // Longer than what is normalized at a time, and without spaces.
  const long = NFD('がぎ').repeat(1000)
  await http.lab.deliver({ subject: 'Café, Order ²', text: long }, 'kunde')
  for (const subject of ['cafe', 'order 2']) {
    expect(await http.lab.messages({ subject })).toEqual([])
    const query = encodeURIComponent(`subject:"${subject}"`)
    expect((await http.request(`messages?query=${query}`)).body.total).toBe(0)
    expect((await http.request('wait', { json: { subject, timeout: '0s' } })).status).toBe(404)
  }
  expect(await http.lab.messages({ subject: NFD('CAFÉ'), text: 'がぎ'.repeat(900) })).toHaveLength(1)
  expect((await http.request(`messages?query=${encodeURIComponent('がぎ'.repeat(300))}`)).body.total).toBe(1)
})
