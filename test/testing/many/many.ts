import nodemailer from 'nodemailer'
import { expect, labTest } from '../../../src/testing/runners/vitest.ts'
import { listeningPorts } from '../../support/open-handles.ts'

/** Defines tests that each send a message through their own lab and check that earlier labs left nothing open. */
export function manyTests(count: number): void {
  const test = labTest({}, { scope: 'test' })
  const before = listeningPorts().length
  for (let n = 1; n <= count; n++) {
    test(`lab ${n}`, async ({ lab }) => {
      // This lab's four clear-text ports and four TLS ports are the only ones open.
      expect(listeningPorts().length - before).toBe(8)
      const transport = nodemailer.createTransport(lab.nodemailer())
      await transport.sendMail({ from: 'a@lab.test', to: `n${n}@lab.test`, subject: `number ${n}`, text: 'hello' })
      transport.close()
      await expect(lab).toHaveReceived({ to: `n${n}`, subject: `number ${n}` })
    })
  }
}

export const COUNT = Number(process.env.SEALPOST_MANY ?? '40') / 4
