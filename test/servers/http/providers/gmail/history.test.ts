import { beforeEach, describe, expect, it } from 'vitest'
import { HttpLab } from '../../client.ts'
import { EventReceiver } from '../receiver.ts'
import { GmailClient, gmailLab } from './gmail-lab.ts'

const receiver = await EventReceiver.ofTests()
const http = HttpLab.ofTests(gmailLab({}, [receiver.url]))
beforeEach(async () => {
  await http.request('reset', { method: 'POST', json: {} })
  receiver.requests.length = 0
})
const alice = new GmailClient(http)
const bob = new GmailClient(http, 'bob')

interface Shown {
  readonly message: { readonly id: string; readonly labelIds: string[] }
  readonly labelIds?: string[]
}

/** Returns the changes of records: their type, the message, and the labels that changed. */
const changesIn = (records: Record<string, Shown[]>[] = []) =>
  records.flatMap(({ id: _, messages: __, ...changes }) =>
    Object.entries(changes).flatMap(([type, all]) =>
      all.map(({ message, labelIds }) => (labelIds ? [type, message.id, labelIds] : [type, message.id])),
    ),
  )

describe('history.list', () => {
  it('has the changes of the API and of IMAP, in pages and by type and label', async () => {
    const start = (await alice.get('profile')).historyId
    const id = await alice.insert('Mail')
    await alice.post(`messages/${id}/modify`, { removeLabelIds: ['UNREAD'] })
    {
      await using imap = await alice.imap()
      const lock = await imap.getMailboxLock('INBOX')
      await imap.messageFlagsAdd('1', ['\\Flagged'])
      await imap.messageMove('1', '[Gmail]/Trash')
      lock.release()
    }
    await alice.ask('DELETE', `messages/${id}`)
    const all = await alice.get(`history?startHistoryId=${start}`)
    expect(changesIn(all.history)).toEqual([
      ['messagesAdded', id],
      ['labelsRemoved', id, ['UNREAD']],
      ['labelsAdded', id, ['STARRED']],
      ['labelsAdded', id, ['TRASH']],
      ['labelsRemoved', id, ['INBOX']],
      ['messagesDeleted', id],
    ])
    expect(all.historyId).toBe((await alice.get('profile')).historyId)
    const first = await alice.get(`history?startHistoryId=${start}&maxResults=2`)
    const second = await alice.get(`history?startHistoryId=${start}&pageToken=${first.nextPageToken}`)
    expect([...changesIn(first.history), ...changesIn(second.history)]).toEqual(changesIn(all.history))
    const trash = `history?startHistoryId=${start}&labelId=TRASH&historyTypes=labelAdded&historyTypes=messageDeleted`
    expect(changesIn((await alice.get(trash)).history)).toEqual([
      ['labelsAdded', id, ['TRASH']],
      ['messagesDeleted', id],
    ])
    expect(await alice.get(`history?startHistoryId=${all.historyId}`)).toEqual({ historyId: all.historyId })
  })

  it('has mail that arrives, and begins at the historyId of a message', async () => {
    const id = await alice.insert('First')
    const { historyId } = await alice.get(`messages/${id}?format=minimal`)
    await http.lab.deliver({ subject: 'Arrived' }, { to: 'alice@lab.test' })
    const { history } = await alice.get(`history?startHistoryId=${historyId}`)
    expect(history).toMatchObject([{ messagesAdded: [{ message: { labelIds: ['UNREAD', 'INBOX'] } }] }])
  })

  it('answers 404 for ids that are too old or unknown, and 400 for others', async () => {
    const { historyId } = await alice.get('profile')
    for (const id of ['1', `${Number(historyId) + 1}`])
      expect((await alice.ask('GET', `history?startHistoryId=${id}`)).body.error.status).toBe('NOT_FOUND')
    for (const query of [
      '',
      '?startHistoryId=x',
      `?startHistoryId=${historyId}&historyTypes=all`,
      `?startHistoryId=${historyId}&pageToken=x`,
    ])
      expect([query, (await alice.ask('GET', `history${query}`)).status]).toEqual([query, 400])
    await bob.insert('Of bob')
    expect(await alice.get(`history?startHistoryId=${historyId}`)).toEqual({ historyId })
  })
})

describe('settings', () => {
  it('list the addresses from which the account may send', async () => {
    const { sendAs } = await alice.get('settings/sendAs')
    expect(sendAs).toMatchObject([{ sendAsEmail: 'alice@lab.test', isPrimary: true, isDefault: true }])
    expect(await alice.get('settings/sendAs/alice%40lab.test')).toEqual(sendAs[0])
    expect((await alice.ask('GET', 'settings/sendAs/bob%40lab.test')).status).toBe(404)
  })
})

describe('watch', () => {
  const topicName = 'projects/lab/topics/mail'
  const notified = async (count = 1) =>
    (await receiver.take(count)).map(({ json }) => JSON.parse(Buffer.from(json.message.data, 'base64').toString()))

  it('sends notifications in the form of Pub/Sub, until stop or for seven days', async () => {
    const { historyId, expiration } = await alice.post('watch', { topicName, labelIds: ['INBOX'] })
    const now = Number(expiration) - 7 * 86_400_000
    expect(Math.abs(now - http.lab.clock.now())).toBeLessThan(60_000)
    const [first] = await receiver.take(1)
    expect(first?.json).toMatchObject({ subscription: 'projects/lab/subscriptions/mail' })
    expect(first?.json.message).toMatchObject({
      messageId: expect.stringMatching(/^\d+$/),
      publishTime: expect.stringMatching(/^\d{4}-/),
    })
    expect(JSON.parse(Buffer.from(first?.json.message.data, 'base64').toString())).toEqual({
      emailAddress: 'alice@lab.test',
      historyId: Number(historyId),
    })
    // Nobody watches drafts.
    await alice.insert('Draft', ['DRAFT'])
    await http.lab.deliver({ subject: 'Arrived' }, { to: 'alice@lab.test' })
    const [arrived] = await notified()
    const { history } = await alice.get(`history?startHistoryId=${historyId}`)
    expect(arrived.historyId).toBe(Number(history.at(-1).id))
    expect((await alice.ask('POST', 'stop')).status).toBe(204)
    await http.lab.deliver({ subject: 'Unseen' }, { to: 'alice@lab.test' })
    await alice.post('watch', { topicName })
    expect((await notified())[0].historyId).toBe(Number((await alice.get('profile')).historyId))
    await http.lab.clock.advance('8d')
    await http.lab.deliver({ subject: 'Too late' }, { to: 'alice@lab.test' })
    await bob.post('watch', { topicName })
    expect((await notified())[0].emailAddress).toBe('bob@lab.test')
  })

  it('refuses topics of another form', async () => {
    for (const topic of ['', 'mail', 'projects/lab/subscriptions/mail'])
      expect([topic, (await alice.ask('POST', 'watch', { topicName: topic })).status]).toEqual([topic, 400])
  })
})
