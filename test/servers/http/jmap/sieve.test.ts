import { describe, expect, it } from 'vitest'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: [{ user: 'alice', password: 'secret', sieve: 'keep;' }] },
  mail: { sieve: { scripts: 3, scriptSize: 500 } },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'imap4' }, { protocol: 'http' }],
})
const alice = new JmapClient(http)

const upload = async (content: string): Promise<string> =>
  (await http.request('/jmap/upload/alice', { body: content, headers: alice.headers })).body.blobId
const listed = async () =>
  (await alice.ask('SieveScript/get')).list.map(
    ({ name, isActive }: { name: string; isActive: boolean }) => `${name}${isActive ? ' (active)' : ''}`,
  )
const set = (args: object) => alice.ask('SieveScript/set', args)
const filesInto = (folder: string) => `require "fileinto"; fileinto "${folder}";`

describe('SieveScript', () => {
  it('creates, activates, reads, renames and deletes scripts', async () => {
    const { state } = await alice.ask('SieveScript/get')
    const blobId = await upload(filesInto('Junk'))
    const made = await set({ create: { k: { name: 'one', blobId } }, onSuccessActivateScript: '#k' })
    expect(made).toMatchObject({ oldState: state, created: { k: { name: 'one', isActive: true } } })
    expect(await listed()).toEqual(['configuration', 'one (active)'])
    await http.lab.deliver({ subject: 'Filed' }, 'alice')
    expect((await http.lab.waitForMessage({ subject: 'Filed' })).folder).toBe('Junk')
    const { id } = made.created.k
    const { list } = await alice.ask('SieveScript/get', { ids: [id] })
    expect(made.newState).toBe((await alice.ask('SieveScript/get', { ids: [] })).state)
    const download = await http.request(`/jmap/download/alice/${list[0].blobId}/one.sieve`, { headers: alice.headers })
    expect(download.body).toBe(filesInto('Junk'))
    const changed = { name: 'two', blobId: await upload(filesInto('Trash')) }
    expect((await set({ update: { [id]: changed } })).updated).toHaveProperty(id)
    expect(await listed()).toEqual(['configuration', 'two (active)'])
    await http.lab.deliver({ subject: 'Again' }, 'alice')
    expect((await http.lab.waitForMessage({ subject: 'Again' })).folder).toBe('Trash')
    expect((await set({ destroy: [id] })).notDestroyed[id].type).toBe('sieveIsActive')
    const off = await set({ onSuccessDeactivateScript: true })
    expect(off.updated).toEqual({ [id]: { isActive: false } })
    expect((await set({ destroy: [id] })).destroyed).toEqual([id])
    expect(await listed()).toEqual(['configuration'])
  })

  it('refuses scripts with mistakes, taken names and what the configuration has', async () => {
    const error = async (object: object) => (await set({ create: { k: object } })).notCreated.k
    const [right, wrong] = [await upload('keep;'), await upload('keeep;')]
    expect(await error({ name: 'x', blobId: wrong })).toMatchObject({
      type: 'invalidSieve',
      description: expect.stringContaining('line 1'),
    })
    expect((await error({ name: 'x', blobId: await upload(`# ${'x'.repeat(600)}`) })).type).toBe('invalidSieve')
    expect((await error({ name: 'x', blobId: 'none' })).properties).toEqual(['blobId'])
    expect((await error({ name: 'configuration', blobId: right })).type).toBe('alreadyExists')
    const { list } = await alice.ask('SieveScript/get')
    expect((await set({ update: { [list[0].id]: { blobId: wrong } } })).notUpdated[list[0].id].type).toBe(
      'invalidSieve',
    )
    expect((await set({ update: { [list[0].id]: { name: 'own' } } })).notUpdated[list[0].id].type).toBe('forbidden')
    const failed = await set({ create: { k: { name: 'x', blobId: wrong } }, onSuccessDeactivateScript: true })
    expect(failed.notCreated).toHaveProperty('k')
    expect(await alice.ask('SieveScript/validate', { blobId: right })).toMatchObject({ error: null })
    expect(await alice.ask('SieveScript/validate', { blobId: wrong })).toMatchObject({
      error: { type: 'invalidSieve' },
    })
  })

  it('is found by name and by what is active', async () => {
    const blobId = await upload('discard;')
    const { created } = await set({ create: { b: { name: 'Beta', blobId }, a: { name: 'alpha', blobId } } })
    const query = async (filter: object, sort?: object) => (await alice.ask('SieveScript/query', { filter, sort })).ids
    expect(await query({ name: 'bet' })).toEqual([created.b.id])
    const byName = [{ property: 'name', isAscending: false }]
    const filter = { operator: 'NOT', conditions: [{ isActive: true }, { name: 'config' }] }
    expect(await query(filter, byName)).toEqual([created.a.id, created.b.id])
  })
})
