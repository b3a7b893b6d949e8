import { expect, test } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { ask } from '../../servers/smtp/support.ts'
import { newFolder } from '../../support/folder.ts'
import { LineClient } from '../../support/line-client.ts'

const inLab = (lmdb: string) =>
  startLab({
    store: { lmdb },
    certificate: 'none',
    directory: { accounts: [{ user: 'bob', password: 'secret' }] },
    virtualServers: [
      { protocol: 'smtp', port: 0 },
      { protocol: 'pop3', port: 0, authentication: ['basic'] },
    ],
  })

test('reports that wait survive a restart, and arrive in the mailbox', async () => {
  const folder = newFolder()
  await using first = await inLab(folder)
  const client = await LineClient.greeted(first.server('smtp').port)
  for (const command of ['HELO x', 'MAIL FROM:<bob@lab.test>', 'RCPT TO:<bounce+550.1h@lab.test>', 'DATA']) {
    expect(await ask(client, command)).toMatch(/^[23]50 |^354 /)
  }
  expect(await ask(client, 'Subject: hello\r\n\r\nbody\r\n.')).toMatch(/^250 /)
  client.destroy()
  await first.stop()

  await using second = await inLab(folder)
  expect(await second.messages({ to: 'bob' })).toEqual([])
  await second.clock.advance('1h')
  using pop3 = await LineClient.open(second.server('pop3').port)
  for (const command of ['', 'USER bob\r\n', 'PASS secret\r\n', 'RETR 1\r\n']) {
    pop3.send(command)
    expect(await pop3.line()).toMatch(/^\+OK/)
  }
  const report = await pop3.lines((line) => line === '.')
  expect(report).toContain('Final-Recipient: rfc822; bounce+550.1h@lab.test')
})
