import { describe, expect, it } from 'vitest'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: {
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'bob', password: 'secret' },
    ],
  },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'imap4' }, { protocol: 'http' }],
})
const alice = new JmapClient(http)

const current = async () => (await alice.ask('VacationResponse/get')).list[0]
const update = (patch: object) => alice.ask('VacationResponse/set', { update: { singleton: patch } })
const write = (from: string, subject: string) =>
  http.lab.deliver(
    { subject, from: `${from}@elsewhere.test`, to: ['alice@lab.test'] },
    { from: `${from}@elsewhere.test`, to: ['alice'] },
  )
const scripts = async () =>
  (await http.request('accounts/alice/scripts', { headers: alice.headers })).body.items.map(
    ({ name, active }: { name: string; active: boolean }) => `${name}${active ? ' (active)' : ''}`,
  )
const putScript = (content: string) =>
  http.request('accounts/alice/scripts/own', { method: 'PUT', headers: alice.headers, json: { content, active: true } })

describe('VacationResponse', () => {
  it('is off at first, and cannot be created or destroyed', async () => {
    expect(await current()).toEqual({
      id: 'singleton',
      isEnabled: false,
      fromDate: null,
      toDate: null,
      subject: null,
      textBody: null,
      htmlBody: null,
    })
    const set = await alice.ask('VacationResponse/set', { create: { k: {} }, destroy: ['singleton'] })
    expect(set.notCreated.k.type).toBe('singleton')
    expect(set.notDestroyed.singleton.type).toBe('singleton')
  })

  it('answers while it is on, beside the script of the account', async () => {
    expect((await putScript('require "fileinto"; fileinto "Junk";')).status).toBe(200)
    const { state } = await alice.ask('VacationResponse/get')
    const set = await update({ isEnabled: true, subject: 'Away "now"', textBody: 'Back \\ soon' })
    expect(set).toMatchObject({ oldState: state, updated: { singleton: null } })
    expect(set.newState).not.toBe(state)
    expect(await scripts()).toEqual(['own (active)', 'vacation response'])
    await write('carol', 'One')
    const reply = await http.lab.waitForMessage({ to: 'carol@elsewhere.test', subject: 'Away "now"' })
    expect(reply.text).toContain('Back \\ soon')
    expect((await http.lab.waitForMessage({ subject: 'One' })).folder).toBe('Junk')
    await update({ isEnabled: false })
    expect(await scripts()).toEqual(['own (active)'])
    await write('dave', 'Two')
    await http.lab.waitForMessage({ subject: 'Two', folder: 'Junk' })
    expect(await http.lab.messages({ to: 'dave@elsewhere.test' })).toHaveLength(0)
  })

  it('answers between its dates, in HTML too, and not to what a script discards', async () => {
    const at = (hours: number) => `${new Date(http.lab.clock.now() + hours * 3_600_000).toISOString().slice(0, 19)}Z`
    await update({ isEnabled: true, fromDate: at(1), toDate: at(3), textBody: 'Plain', htmlBody: '<p>Réponse</p>' })
    await write('erin', 'Early')
    await http.lab.clock.advance('2h')
    await write('frank', 'Within')
    const reply = await http.lab.waitForMessage({ to: 'frank@elsewhere.test' })
    expect(reply).toMatchObject({ text: 'Plain', html: '<p>Réponse</p>' })
    await putScript('if header :contains "subject" "spam" { discard; }')
    await write('gina', 'spam')
    await http.lab.clock.advance('2h')
    await write('henry', 'Late')
    await http.lab.waitForMessage({ to: 'alice', subject: 'Late' })
    for (const name of ['erin', 'gina', 'henry'])
      expect(await http.lab.messages({ to: `${name}@elsewhere.test` })).toHaveLength(0)
  })

  it('refuses wrong values, and lets nobody change the script', async () => {
    const wrong = async (patch: object) => (await update(patch)).notUpdated.singleton.properties
    expect(await wrong({ isEnabled: 1 })).toEqual(['isEnabled'])
    expect(await wrong({ fromDate: 'tomorrow' })).toEqual(['fromDate'])
    expect(await wrong({ subject: 'a\nb' })).toEqual(['subject'])
    const path = 'accounts/alice/scripts/vacation%20response'
    const { headers } = alice
    expect((await http.request(path, { method: 'PUT', headers, json: { content: 'keep;' } })).body.detail).toMatch(
      /JMAP/,
    )
    expect((await http.request(path, { method: 'DELETE', headers })).status).toBe(422)
  })
})
