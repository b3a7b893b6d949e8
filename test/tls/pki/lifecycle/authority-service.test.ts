import { X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/start-lab.ts'

it('certificates contain the addresses of the authority service, which answers there', async () => {
  await using lab = await startLab({
    certificates: { service: { port: 0 } },
    virtualServers: [{ protocol: 'imap4' }],
  })
  const url = lab.authorityServiceUrl ?? ''
  expect(url).toMatch(/^http:\/\/localhost:\d+$/)
  const thumbprint = lab.server('imap4').certificate?.thumbprint ?? ''
  const { certificatePem } = await lab.certificates.show(thumbprint)
  const { infoAccess } = new X509Certificate(certificatePem)
  const issuer = /CA Issuers - URI:(\S+)/.exec(infoAccess ?? '')?.[1] ?? ''
  expect(issuer).toContain(url)
  const response = await fetch(issuer.replace('localhost', '127.0.0.1'))
  expect(response.headers.get('content-type')).toBe('application/pkix-cert')
  expect(new X509Certificate(Buffer.from(await response.arrayBuffer())).toString()).toBe(
    new X509Certificate(lab.ca).toString(),
  )
})

it('a port that is in use is reported', async () => {
  await using first = await startLab({
    certificates: { service: { port: 0 } },
    virtualServers: [{ protocol: 'imap4' }],
  })
  const port = Number(new URL(first.authorityServiceUrl ?? '').port)
  await expect(
    startLab({ certificates: { service: { port } }, virtualServers: [{ protocol: 'imap4' }] }),
  ).rejects.toThrow(new RegExp(`certificates\\.service: cannot listen on 127\\.0\\.0\\.1 port ${port}: it is in use`))
})

it('without the key there is no authority service', async () => {
  await using lab = await startLab({ virtualServers: [{ protocol: 'imap4' }] })
  expect(lab.authorityServiceUrl).toBeUndefined()
})
