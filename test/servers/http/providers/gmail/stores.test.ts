import { describe, expect, it } from 'vitest'
import { newFolder } from '../../../../support/folder.ts'
import { freshDatabase, needsPostgres } from '../../../../support/postgres.ts'
import { HttpLab } from '../../client.ts'
import { EventReceiver } from '../receiver.ts'
import { GmailClient, gmailLab } from './gmail-lab.ts'

const receiver = await EventReceiver.ofTests()

/** Returns the types of the changes since a state. */
async function changesSince(client: GmailClient, historyId: string): Promise<string[]> {
  const { history = [] } = await client.get(`history?startHistoryId=${historyId}`)
  return history.flatMap((record: object) => Object.keys(record).filter((key) => /Added|Removed|Deleted/.test(key)))
}

describe('the store on disk', () => {
  it('keeps ids, labels and the history over a restart', async () => {
    const store = { lmdb: newFolder() }
    let historyId: string
    let id: string
    {
      await using http = await HttpLab.start(gmailLab({ store }))
      const alice = new GmailClient(http)
      ;({ historyId } = await alice.get('profile'))
      id = await alice.insert('Kept', ['INBOX', 'STARRED'])
      await using imap = await alice.imap()
      const lock = await imap.getMailboxLock('INBOX')
      await imap.messageFlagsAdd('1', ['\\Answered'])
      lock.release()
    }
    {
      await using http = await HttpLab.start(gmailLab({ store }))
      const alice = new GmailClient(http)
      expect(await alice.labels(id)).toEqual(['INBOX', 'STARRED'])
      await alice.post(`messages/${id}/trash`)
      expect(await changesSince(alice, historyId)).toEqual(['messagesAdded', 'labelsAdded', 'labelsRemoved'])
    }
    {
      await using http = await HttpLab.start(gmailLab({ store }))
      const alice = new GmailClient(http)
      // Nobody follows the account before the first request.
      await http.lab.deliver({ subject: 'Missed' }, { to: 'alice@lab.test' })
      expect((await alice.ask('GET', `history?startHistoryId=${historyId}`)).status).toBe(404)
    }
  })
})

describe.skipIf(!needsPostgres())('two nodes', { timeout: 120_000 }, () => {
  it('show the same mail and the same history, and one of them notifies', async () => {
    const { url, schema } = await freshDatabase()
    const start = (node: string) =>
      HttpLab.start(gmailLab({ store: { postgres: url, pool: 4 }, cluster: { name: schema, node } }, [receiver.url]))
    await using first = await start('one')
    await using second = await start('two')
    const [one, two] = [new GmailClient(first), new GmailClient(second)]
    const { historyId } = await one.post('watch', { topicName: 'projects/lab/topics/mail' })
    await receiver.take(1)
    const id = await one.insert('Mail')
    expect(await two.labels(id)).toEqual(['INBOX', 'UNREAD'])
    await two.post(`messages/${id}/modify`, { addLabelIds: ['STARRED'], removeLabelIds: ['UNREAD'] })
    expect(await one.labels(id)).toEqual(['INBOX', 'STARRED'])
    await two.post(`messages/${id}/trash`)
    await one.ask('DELETE', `messages/${id}`)
    const expected = [
      'messagesAdded',
      'labelsAdded',
      'labelsRemoved',
      'labelsAdded',
      'labelsRemoved',
      'messagesDeleted',
    ]
    expect((await changesSince(one, historyId)).sort()).toEqual(expected.sort())
    expect(await changesSince(two, historyId)).toEqual(await changesSince(one, historyId))
    expect((await two.ask('GET', `messages/${id}`)).status).toBe(404)
    // A node reads several changes of another one together. Each record is notified once.
    const { history } = await one.get(`history?startHistoryId=${historyId}`)
    const numbers = (await receiver.take(history.length)).map(
      ({ json }) => JSON.parse(Buffer.from(json.message.data, 'base64').toString()).historyId,
    )
    expect(numbers.sort()).toEqual(history.map(({ id: number }: { id: string }) => Number(number)))
  })

  it('show no deletion for a message that moves', async () => {
    const { url, schema } = await freshDatabase()
    const start = (node: string) =>
      HttpLab.start(gmailLab({ store: { postgres: url, pool: 4 }, cluster: { name: schema, node } }))
    await using first = await start('one')
    await using second = await start('two')
    const [one, two] = [new GmailClient(first), new GmailClient(second)]
    const { id: label } = await one.post('labels', { name: 'Aside' })
    const { historyId } = await two.get('profile')
    for (let count = 0; count < 10; count++) await one.insert(`Mail ${count}`, ['INBOX'])
    await two.get('profile')
    for (const [client, from, to] of [
      [two, 'INBOX', 'Aside'],
      [one, 'Aside', 'INBOX'],
      [two, 'INBOX', 'Archive'],
      [one, 'Archive', 'INBOX'],
      [two, 'INBOX', 'Aside'],
    ] as const) {
      await using imap = await client.imap()
      const lock = await imap.getMailboxLock(from)
      for (let count = 0; count < 10; count++) {
        await imap.messageMove('1', to)
        await Promise.all([one.get('profile'), two.get('profile')])
      }
      lock.release()
    }
    const types = await changesSince(one, historyId)
    expect(types.filter((type) => type === 'messagesDeleted')).toEqual([])
    expect(types.filter((type) => type === 'messagesAdded')).toHaveLength(10)
    expect(await changesSince(two, historyId)).toEqual(types)
    for (const { id } of (await two.get('messages')).messages) expect(await one.labels(id)).toEqual([label])
  })
})
