import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OpensslCms } from '../../../mail/smime/openssl-cms.ts'
import { needs } from '../../../support/programs.ts'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const PROPERTIES = ['subject', 'smimeStatus', 'smimeStatusAtDelivery', 'smimeErrors', 'smimeVerifiedAt']

describe.skipIf(!needs('openssl'))('S/MIME properties', () => {
  let http: HttpLab
  let cms: OpensslCms
  let bob: JmapClient

  beforeAll(async () => {
    http = await HttpLab.start({
      directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
    })
    cms = new OpensslCms(http.lab)
    bob = new JmapClient(http, 'bob')
    const alice = await cms.user('alice')
    const signed = await cms.sign(alice, 'Content-Type: text/plain\r\n\r\nAs written\r\n')
    await cms.send(signed, { subject: 'good' })
    await cms.send(Buffer.from(`${signed}`.replace('As written', 'As changed')), { subject: 'bad' })
    await http.lab.deliver({ subject: 'plain', text: 'Text' }, 'bob')
  })
  afterAll(async () => {
    cms[Symbol.dispose]()
    await http[Symbol.asyncDispose]()
  })

  const shown = async (properties: readonly string[] = PROPERTIES) =>
    new Map<string, object>(
      (await bob.ask('Email/get', { ids: null, properties })).list.map((one: { subject: string }) => [
        one.subject,
        one,
      ]),
    )
  const found = async (filter: object) => {
    const { ids } = await bob.ask('Email/query', { filter, sort: [{ property: 'subject' }] })
    return (await bob.ask('Email/get', { ids, properties: ['subject'] })).list.map(
      ({ subject }: { subject: string }) => subject,
    )
  }

  it('say whether signatures are valid', async () => {
    const all = await shown()
    const date = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(all.get('good')).toMatchObject({
      smimeStatus: 'signed/verified',
      smimeStatusAtDelivery: 'signed/verified',
      smimeErrors: null,
      smimeVerifiedAt: date,
    })
    expect(all.get('bad')).toMatchObject({
      smimeStatus: 'signed/failed',
      smimeStatusAtDelivery: 'signed/failed',
      smimeErrors: [expect.any(String)],
      smimeVerifiedAt: date,
    })
    expect(all.get('plain')).toMatchObject({ smimeStatus: null, smimeErrors: null, smimeVerifiedAt: null })
    expect((await shown(['subject'])).get('good')).not.toHaveProperty('smimeStatus')
  })

  it('are found by filters', async () => {
    expect((await found({ hasSmime: true })).sort()).toEqual(['bad', 'good'])
    expect(await found({ hasVerifiedSmime: true })).toEqual(['good'])
    expect(await found({ hasVerifiedSmimeAtDelivery: true })).toEqual(['good'])
    expect((await found({ operator: 'NOT', conditions: [{ hasVerifiedSmime: true }] })).sort()).toEqual([
      'bad',
      'plain',
    ])
  })

  it('are those of now and of the delivery', async () => {
    await http.lab.clock.advance('1200d')
    expect((await shown()).get('good')).toMatchObject({
      smimeStatus: 'signed/failed',
      smimeStatusAtDelivery: 'signed/verified',
      smimeErrors: [expect.stringContaining('expired')],
    })
  })
})
