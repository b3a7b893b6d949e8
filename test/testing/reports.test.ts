import { expect, test } from 'vitest'
import { startLab } from '../../src/testing/index.ts'

test('bounce and complain answer the sender of a message', async () => {
  await using lab = await startLab({ directory: { mode: 'open' }, virtualServers: [{ protocol: 'smtp' }] })
  await lab.deliver(
    { subject: 'Invoice', text: 'secret body' },
    { from: 'app@lab.test', to: ['bob', 'x@example.test'] },
  )
  const mail = await lab.waitForMessage('bob')
  await lab.bounce(mail, { code: '5.2.2', form: 'postfix' })
  const bounce = await lab.waitForMessage('app')
  expect(bounce.subject).toBe('Undelivered Mail Returned to Sender')
  expect(bounce.raw.toString()).toContain('Final-Recipient: rfc822; x@example.test\r\nAction: failed\r\nStatus: 5.2.2')
  await lab.complain(mail)
  expect((await lab.waitForMessage('app')).raw.toString()).toContain('\r\nFeedback-Type: abuse\r\n')
  await lab.bounce(mail, { code: 'delayed', after: '1h' })
  await lab.clock.advance('1h')
  expect((await lab.waitForMessage('app')).raw.toString()).toContain('\r\nAction: delayed\r\n')
  await expect(lab.bounce(mail, { code: 250 })).rejects.toThrow('code must be a reply code such as 550')
  await expect(lab.bounce(mail, { after: 'later' })).rejects.toThrow('after a time such as 30s')
  await expect(lab.bounce(bounce)).rejects.toThrow('the message has no return path')
})
