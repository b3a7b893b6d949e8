import { expect, test } from 'vitest'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { LineClient } from '../../support/line-client.ts'
import { articleOf, startNewsLab } from '../../support/news-lab.ts'

const newsgroups: LabInput['newsgroups'] = ['lab.general', 'lab.old', 'lab.private', 'other.group'].map((name) => ({
  name,
}))

const startControlled = (controlSenders: LabInput['controlSenders'] = []) =>
  startLab({
    news: { groups: newsgroups, control: ['cancel', 'newgroup', 'rmgroup', 'checkgroups'], senders: controlSenders },
  })

/** Posts a control message from a sender. */
async function send(lab: TestLab, from: string, control: string, body = 'x\r\n', more = ''): Promise<void> {
  using client = await LineClient.open(lab.server('nntp').port)
  await client.play('S: 200 *\nC: POST\nS: 340 *')
  const header = `From: ${from}\nNewsgroups: lab.general\nSubject: cmsg\nControl: ${control}\nApproved: ${from}${more}`
  client.send(Buffer.concat([articleOf(header, body), Buffer.from('.\r\n')]))
  expect(await client.line()).toMatch(/^240 /)
}

/** Returns the lines of LIST ACTIVE and LIST NEWSGROUPS for the hierarchies lab and other. */
async function listed(lab: TestLab): Promise<string[]> {
  const client = await LineClient.greeted(lab.server('nntp').port)
  client.send('LIST NEWSGROUPS lab.*,other.*\r\nLIST ACTIVE lab.*,other.*\r\n')
  const lines = [...(await client.lines((line) => line === '.')), ...(await client.lines((line) => line === '.'))]
  client.destroy()
  return lines.filter((line) => !/^(?:215 .*|\.)$/.test(line)).map((line) => line.replace(/ \d+ \d+ /, ' ').trimEnd())
}

const LIST = 'lab.general\tGeneral talk\r\nlab.news\tNews (Moderated)\r\nnot, a name\r\n'
const BEFORE = ['lab.general', 'lab.old', 'lab.private', 'other.group']
const before = [...BEFORE, ...BEFORE.map((name) => `${name} y`)]
const after = [
  'lab.general\tGeneral talk',
  'lab.news\tNews (Moderated)',
  'lab.private',
  'other.group',
  'lab.general y',
  'lab.news m',
  'lab.private y',
  'other.group y',
]

test('RFC 5537 section 5.2.3: checkgroups creates, changes and removes the groups of its hierarchy', async () => {
  await using lab = await startControlled()
  await send(lab, 'admin@lab.test', 'checkgroups lab !lab.private #2026112501', LIST)
  expect(await listed(lab)).toEqual(after)
  // A message with the same serial number is an older one.
  await send(lab, 'admin@lab.test', 'checkgroups lab !lab.private #2026112501', 'lab.other\tx\r\n')
  expect(await listed(lab)).toEqual(after)
  await send(lab, 'admin@lab.test', 'checkgroups', 'other.new\tNew\r\n')
  expect((await listed(lab)).filter((line) => line.startsWith('other.'))).toEqual(['other.new\tNew', 'other.new y'])
})

test('checkgroups without Approved or without groups has no effect', async () => {
  await using lab = await startControlled()
  await send(lab, 'admin@lab.test', 'checkgroups lab', 'nothing, here\r\n')
  const client = await LineClient.open(lab.server('nntp').port)
  await client.play('S: 200 *\nC: POST\nS: 340 *')
  client.send(Buffer.concat([articleOf('Control: checkgroups lab', LIST), Buffer.from('.\r\n')]))
  expect(await client.line()).toMatch(/^240 /)
  client.destroy()
  expect(await listed(lab)).toEqual(before)
})

test('controlSenders: who may change which groups', async () => {
  await using lab = await startControlled([
    { from: '*@lab.test', groups: 'lab.*,!lab.private', allow: ['newgroup', 'checkgroups'] },
    { from: 'boss@lab.test', groups: 'other.*', allow: ['rmgroup'] },
  ])
  await send(lab, 'stranger@else.test', 'newgroup lab.new')
  await send(lab, 'admin@lab.test', 'newgroup other.new')
  await send(lab, 'admin@lab.test', 'rmgroup lab.old')
  await send(lab, 'admin@lab.test', 'newgroup bad,name')
  await send(lab, 'boss@lab.test', 'rmgroup lab.old')
  expect(await listed(lab)).toEqual(before)
  // Groups that the sender may not change stay as they are.
  await send(lab, 'Admin <admin@lab.test>', 'checkgroups lab other', LIST)
  expect(await listed(lab)).toEqual(after)
  await send(lab, 'boss@lab.test', 'rmgroup other.group')
  expect(await listed(lab)).toEqual(after.filter((line) => !line.startsWith('other.')))
})

test('a message that must be signed has no effect without a signature', async () => {
  await using lab = await startControlled([{ from: '*', groups: '*', keyFile: 'missing.asc' }])
  await send(lab, 'admin@lab.test', 'rmgroup lab.old')
  await send(lab, 'admin@lab.test', 'rmgroup lab.old', 'x\r\n', '\nX-PGP-Sig: nonsense')
  expect(await listed(lab)).toEqual(before)
})

const SIGNATURE = '\nX-PGP-Sig: 2.0 Control,Message-ID,From aGVsbG8= =abcd'

test('a signed message has no effect while the key file cannot be read', async () => {
  await using lab = await startControlled([{ from: '*', groups: '*', keyFile: 'missing.asc' }])
  await send(lab, 'admin@lab.test', 'rmgroup lab.old', 'x\r\n', SIGNATURE)
  expect(await listed(lab)).toEqual(before)
})

test('a signed message with a long run of spaces does not block the lab', async () => {
  await using lab = await startControlled([{ from: '*', groups: '*', keyFile: 'missing.asc' }])
  await send(lab, 'admin@lab.test', 'rmgroup lab.old', `x${' '.repeat(400_000)}y\r\n`, SIGNATURE)
  expect(await listed(lab)).toEqual(before)
})

test('a signature that names a large field many times is refused', async () => {
  await using lab = await startControlled([{ from: '*', groups: '*', keyFile: 'missing.asc' }])
  const signature = SIGNATURE.replace('From', `From${',X-Large'.repeat(10_000)}`)
  await send(lab, 'admin@lab.test', 'rmgroup lab.old', 'x\r\n', `${signature}\nX-Large: ${'x'.repeat(100_000)}`)
  expect(await listed(lab)).toEqual(before)
})

test('control messages leave groups of tenants and of the lab itself as they are', async () => {
  await using lab = await startNewsLab({ control: ['newgroup', 'rmgroup', 'checkgroups'] })
  await lab.store.createFolder(PUBLIC_OWNER, 'lab.tenant', {
    newsgroup: { description: 'Own', posting: 'yes', createdAt: 0, createdBy: '', onlyAccounts: 'one.' },
  })
  const send = (control: string, body?: string) => lab.post(`Control: ${control}\nApproved: admin@lab.test`, body)
  await send('checkgroups lab', 'lab.tenant\tOther (Moderated)\r\n')
  await send('newgroup lab.tenant moderated')
  await send('rmgroup lab.tenant')
  const group = await lab.news.group('lab.tenant')
  expect(group?.newsgroup).toMatchObject({ description: 'Own', posting: 'yes' })
  await send('newgroup control.rmgroup')
  await send('rmgroup control.newgroup')
  await lab.play('C: LIST ACTIVE control.*group\nS: 215 *\nS: control.newgroup 2 1 n\nS: control.rmgroup 2 1 n\nS: .')
})
