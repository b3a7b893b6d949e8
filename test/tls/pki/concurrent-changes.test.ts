import { afterAll, expect, test } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'

const lab = await startLab({ virtualServers: [{ name: 'S', protocol: 'smtp', port: 0 }] })
afterAll(() => lab.stop())

/** Runs changes at the same time. Returns the errors; empty for those that were made. */
async function together(...changes: readonly Promise<unknown>[]): Promise<string[]> {
  const results = await Promise.allSettled(changes)
  return results.map((one) => (one.status === 'fulfilled' ? '' : (one.reason as Error).message))
}

const used = async () => lab.certificates.show(await lab.certificates.thumbprintInUse('S'))

test('of two renewals of a certificate, one is refused, and the server uses the other one', async () => {
  for (const kind of ['automatic', 'issued']) {
    if (kind === 'issued') await lab.certificates.issue({ for: 'S', subject: { commonName: 'mail.lab.test' } })
    const { friendlyName, thumbprint } = await used()
    const renew = () => lab.certificates.renew(friendlyName)
    const errors = await together(renew(), renew())
    expect(errors.toSorted(), kind).toEqual(['', `"${friendlyName}" has changed in the meantime; try again`])
    const next = await used()
    expect(next.friendlyName, kind).toBe(friendlyName)
    expect(next.thumbprint, kind).not.toBe(thumbprint)
  }
})

test('a certificate that is assigned meanwhile is not deleted', async () => {
  await lab.certificates.issue({ for: 'S', subject: { commonName: 'other.lab.test' } })
  const { friendlyName, thumbprint } = await used()
  await lab.certificates.remove('S')
  const { certificates } = lab
  const [assigned, deleted] = await together(certificates.assign(friendlyName, 'S'), certificates.delete(friendlyName))
  expect([assigned, deleted]).toEqual(['', expect.stringContaining('is in use by "S"')])
  expect((await used()).thumbprint).toBe(thumbprint)
})
