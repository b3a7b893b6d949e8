import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { StoreError } from '../../../src/storage/store/errors.ts'
import { PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import { allGroups } from '../../../src/transport/news/inject.ts'
import { articleOf, startNewsLab } from '../../support/news-lab.ts'

test('RFC 5537 section 5.3: cancel removes an article from all its groups, and the cancel message is filed', async () => {
  await using lab = await startNewsLab()
  await lab.post('Message-ID: <1@a>\nNewsgroups: lab.general,lab.test')
  await lab.post('Message-ID: <c@a>\nControl: cancel <1@a>\nNewsgroups: lab.general,lab.test')
  await lab.play(`
    C: STAT <1@a>
    S: 430 *
    C: GROUP lab.general
    S: 211 0 2 1 *
    C: GROUP control.cancel
    S: 211 1 1 1 *
    C: STAT 1
    S: 223 1 <c@a> *
  `)
})

test('RFC 5537 section 5.3: an article is refused if its cancel message arrived first', async () => {
  await using lab = await startNewsLab()
  await lab.post('Control: cancel <1@a>')
  await expect(lab.post('Message-ID: <1@a>')).rejects.toThrow(/known/)
})

test('RFC 5537 section 5.4: Supersedes replaces an article', async () => {
  await using lab = await startNewsLab()
  await lab.post('Message-ID: <1@a>')
  await lab.post('Message-ID: <2@a>\nSupersedes: <1@a>')
  await lab.play('C: STAT <1@a>\nS: 430 *\nC: GROUP lab.general\nS: 211 1 2 2 *')
})

test('RFC 8315: an article with a Cancel-Lock is cancelled only with its key', async () => {
  await using lab = await startNewsLab()
  const lock = createHash('sha256').update('c2VjcmV0').digest('base64')
  await lab.post(`Message-ID: <1@a>\nCancel-Lock: sha256:${lock}`)
  await lab.post('Control: cancel <1@a>')
  await lab.post('Control: cancel <1@a>\nCancel-Key: sha256:d3Jvbmc=')
  await lab.play('C: STAT <1@a>\nS: 223 *')
  await lab.post('Control: cancel <1@a>\nCancel-Key: SHA256:c2VjcmV0')
  await lab.play('C: STAT <1@a>\nS: 430 *')
})

test('RFC 8315 section 3: the server locks the articles of an account, and only that account can remove them', async () => {
  await using lab = await startNewsLab()
  const by = (account: string | undefined, header: string) =>
    lab.news.post(articleOf(header), { host: '127.0.0.1', account, rights: allGroups })
  const lock = createHash('sha256').update('c2VjcmV0').digest('base64')
  await by('alice', `Message-ID: <1@a>\nCancel-Lock: sha256:${lock}`)
  await by('alice', 'Message-ID: <2@a>')
  await by('alice', 'Message-ID: <3@a>')
  await by('alice', 'Message-ID: <4@a>\nApproved: alice@lab.test')
  using client = await lab.client()
  await client.play(`C: HDR Cancel-Lock <1@a>
    S: 225 *
    S: 0 sha256:${lock} sha256:*
    S: .
    C: HDR Cancel-Lock <4@a>
    S: 225 *
    S: 0\\x20
    S: .`)
  for (const account of ['bob', undefined]) {
    await by(account, 'Control: cancel <2@a>')
    await by(account, 'Supersedes: <3@a>')
  }
  await client.play('C: STAT <2@a>\nS: 223 *\nC: STAT <3@a>\nS: 223 *')
  await by('alice', 'Message-ID: <c@a>\nControl: cancel <2@a>')
  await by('alice', 'Message-ID: <s@a>\nSupersedes: <3@a>')
  await client.play('C: STAT <2@a>\nS: 430 *\nC: STAT <3@a>\nS: 430 *')
  await client.play(
    'C: HDR Cancel-Key <c@a>\nS: 225 *\nS: 0 sha256:*\nS: .\nC: HDR Cancel-Lock <c@a>\nS: 225 *\nS: 0\\x20\nS: .',
  )
  await by(undefined, 'Control: cancel <1@a>\nCancel-Key: sha256:c2VjcmV0')
  await client.play('C: STAT <1@a>\nS: 430 *')
})

test('without control: [cancel], a cancel message is only filed', async () => {
  await using lab = await startNewsLab({ control: [] })
  await lab.post('Message-ID: <1@a>')
  await lab.post('Control: cancel <1@a>')
  await lab.post('Message-ID: <2@a>\nSupersedes: <1@a>')
  await lab.play('C: STAT <1@a>\nS: 223 *\nC: GROUP control.cancel\nS: 211 1 *')
})

test('RFC 5537 section 5.2: newgroup and rmgroup act if they are approved and configured', async () => {
  await using lab = await startNewsLab({ control: ['cancel', 'newgroup', 'rmgroup'] })
  const body = 'For your newsgroups file:\r\nlab.new\tBrand new\r\n'
  await lab.post('Control: newgroup lab.evil\nNewsgroups: lab.evil', body)
  await lab.post('Control: newgroup lab.new moderated\nNewsgroups: lab.new\nApproved: root@lab.test', body)
  await lab.play(`
    C: GROUP lab.evil
    S: 411 *
    C: LIST ACTIVE lab.new
    S: 215 *
    S: lab.new 0 1 m
    S: .
    C: LIST NEWSGROUPS lab.new
    S: 215 *
    S: lab.new\\x09Brand new
    S: .
    C: LIST ACTIVE.TIMES lab.new
    S: 215 *
    S: lab.new * root@lab.test
    S: .
  `)
  await lab.post('Control: newgroup lab.new\nNewsgroups: lab.new\nApproved: root@lab.test')
  await lab.play('C: LIST ACTIVE lab.new\nS: 215 *\nS: lab.new 0 1 y\nS: .')
  await lab.post('Control: rmgroup lab.new\nNewsgroups: lab.new\nApproved: root@lab.test')
  await lab.play('C: GROUP lab.new\nS: 411 *')
})

test('newgroup and rmgroup have no effect unless they are configured', async () => {
  await using lab = await startNewsLab()
  await lab.post('Control: newgroup lab.new\nNewsgroups: lab.new\nApproved: a@b')
  await lab.post('Control: rmgroup lab.test\nNewsgroups: lab.test\nApproved: a@b')
  await lab.play('C: GROUP lab.new\nS: 411 *\nC: GROUP lab.test\nS: 211 *')
})

test('the locks of articles that were posted after a reset survive a restart', async () => {
  await using lab = await startNewsLab()
  const by = (header: string) =>
    lab.news.post(articleOf(header), { host: '127.0.0.1', account: 'alice', rights: allGroups })
  await by('Message-ID: <1@a>')
  const before = await lab.store.getState('news.cancel-secret')
  await lab.store.clear()
  await lab.store.createFolder(PUBLIC_OWNER, 'lab.general', {
    newsgroup: { description: '', posting: 'yes', createdAt: 0, createdBy: '' },
  })
  await by('Message-ID: <2@a>')
  const after = await lab.store.getState('news.cancel-secret')
  expect(after).toMatch(/^.{44}$/)
  expect(after).not.toBe(before)
})

test('control messages of one kind that arrive together are all filed', async () => {
  await using lab = await startNewsLab()
  const posts = Array.from({ length: 20 }, (_, i) => lab.post(`Control: cancel <${i}@a>`))
  const posted = await Promise.allSettled(posts)
  expect(posted.filter(({ status }) => status === 'rejected')).toEqual([])
  await lab.play('C: GROUP control.cancel\nS: 211 20 *')
})

test('two messages that create the same newsgroup at the same time are both accepted', async () => {
  await using lab = await startNewsLab({ control: ['newgroup'] })
  const send = () => lab.post('Control: newgroup lab.new\nApproved: root@lab.test')
  const posted = await Promise.allSettled([send(), send(), send()])
  expect(posted.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
  await lab.play('C: GROUP lab.new\nS: 211 *\nC: GROUP control.newgroup\nS: 211 3 *')
})

test('a control message that is stored is accepted, also if the store cannot execute it', async () => {
  await using lab = await startNewsLab()
  await lab.post('Message-ID: <1@a>')
  await lab.post('Message-ID: <2@a>')
  const { store } = lab
  store.expunge = () => Promise.reject(new StoreError('no-space', 'full'))
  using client = await lab.client()
  for (const header of ['Message-ID: <c@a>\nControl: cancel <1@a>', 'Message-ID: <s@a>\nSupersedes: <2@a>']) {
    client.send('POST\r\n')
    expect(await client.line()).toMatch(/^340 /)
    client.send(Buffer.concat([articleOf(header), Buffer.from('.\r\n')]))
    expect(await client.line()).toMatch(/^240 /)
  }
  await client.play(['1', '2', 'c', 's'].map((id) => `C: STAT <${id}@a>\nS: 223 *`).join('\n'))
})

test('a control message is refused for now if the store cannot take it', async () => {
  await using lab = await startNewsLab()
  await lab.post('Message-ID: <1@a>')
  lab.store.createFolder = () => Promise.reject(new StoreError('no-space', 'full'))
  await expect(lab.post('Control: cancel <1@a>')).rejects.toMatchObject({ code: 'later', message: 'full' })
  await lab.play('C: STAT <1@a>\nS: 223 *')
})
