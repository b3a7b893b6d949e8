import nodemailer from 'nodemailer'
import { expect, sharedTest as test } from '../../../src/testing/runners/vitest.ts'

/** Defines tests with the same accounts and subjects in every worker; tenants keep them apart. */
export function suite(): void {
  for (let n = 1; n <= 5; n++) {
    test.concurrent(`a tenant sees only its own mail, ${n}`, async ({ tenant }) => {
      const transport = nodemailer.createTransport(tenant.nodemailer('alice'))
      await transport.sendMail({
        from: tenant.address('alice'),
        to: tenant.address('bob'),
        subject: `n ${n}`,
        text: 'hello',
      })
      transport.close()
      await expect(tenant).toHaveReceived({ to: 'bob', subject: new RegExp(`^n ${n}$`) })
      const mail = await tenant.waitForMessage({ to: 'bob' })
      expect(mail).toHaveBeenEncrypted()
      expect(mail.text.trim()).toBe('hello')
      expect(await tenant.messages()).toHaveLength(1)
      await expect(tenant.waitForMessage({}, { timeout: 1 })).rejects.toMatchObject({ name: 'WaitTimeout' })
      await tenant.createNewsgroup('talk')
      expect(await tenant.articles('talk')).toEqual([])
      await tenant.deliver({ subject: 'direct' }, 'carol')
      expect((await tenant.waitForMessage({ to: 'carol' })).subject).toBe('direct')
    })
  }
}
