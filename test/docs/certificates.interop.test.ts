import { describe, expect, it } from 'vitest'
import { needs } from '../support/programs.ts'
import { workplaceOfEach } from '../support/sealpost.ts'
import { type Block, blocksOf, judges, walk, walkPrograms } from './walk.ts'

const place = workplaceOfEach()

const LIMIT_MS = 600_000

/** Follows blocks, and expects that OpenSSL, GnuTLS, NSS and Java accept TLS ports of the lab afterwards. */
async function expectWalk(blocks: readonly Block[], ports: readonly number[]): Promise<void> {
  const { status, stdout, stderr } = await walk(place, blocks, `echo -- judges\n${judges(ports)}`, LIMIT_MS)
  const accepting = stdout.split('-- judges\n')[1]?.match(/^(?:openssl|gnutls|nss|java)$/gm)
  expect({ status, accepting }, `${stdout.slice(-4000)}\n${stderr.slice(-4000)}`).toEqual({
    status: 0,
    accepting: ['openssl', 'gnutls', 'nss', 'java'],
  })
}

describe.skipIf(!needs(...walkPrograms, 'tstclnt', 'java'))('the commands as they are written', () => {
  it(
    'of docs/certificates.md lead to a lab that OpenSSL, GnuTLS, NSS and Java accept',
    () => expectWalk(blocksOf('certificates.md'), [3995, 3993, 3563]),
    LIMIT_MS,
  )

  it.skipIf(!needs('certbot', 'acme.sh', 'lego', 'dehydrated', 'uacme', 'curl'))(
    'of docs/acme.md do so too',
    () => {
      const lab = blocksOf('certificates.md', 'Follow this page')
      return expectWalk([...lab, ...blocksOf('acme.md')], [3995, 3993, 3563])
    },
    LIMIT_MS,
  )
})
