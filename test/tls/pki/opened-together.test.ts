import { expect, it } from 'vitest'
import { systemClock } from '../../../src/core/time/clock.ts'
import { openCertificateStore, openFiles } from '../../../src/tls/pki/certificate-store/store.ts'
import { log } from '../../support/log.ts'

it('a store that another process begins, after this one has found no index, is no store that lost it', async () => {
  const files = await openFiles({ folder: 'memory' })
  const open = (own = files) =>
    openCertificateStore({
      folder: 'database',
      database: { certificateFiles: async () => own },
      clock: systemClock,
      log,
      key: 'p256',
    })
  let first: ReturnType<typeof open> | undefined
  const slow = {
    ...files,
    list: async () => {
      first ??= open()
      await first
      return files.list()
    },
  }
  const second = await open(slow)
  expect(second.rootPem).toBe((await first)?.rootPem)
})
