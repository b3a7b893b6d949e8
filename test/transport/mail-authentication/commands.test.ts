import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { workplaceOfEach } from '../../support/sealpost.ts'

const place = workplaceOfEach()

const SERVERS = 'virtualServers: [{ protocol: smtp, port: 0, certificate: none }]\ncertificates: certs\n'

it('sealpost dkim prints the records of the keys, which it generates once', async () => {
  place.write('lab.yaml', `${SERVERS}mailAuthentication: { dkim: [{ domain: lab.test }], arc: { domain: lab.test } }\n`)
  const first = await place.run(['dkim', '--config', 'lab.yaml'])
  expect(first.stdout).toMatch(/^sealpost\._domainkey\.lab\.test\. TXT "v=DKIM1; k=rsa; p=[\w+/]{200,}" "[\w+/=]+"\n/)
  expect(first.stdout).toContain('\narc._domainkey.lab.test. TXT ')
  expect((await place.run(['dkim', '--config', 'lab.yaml'])).stdout).toBe(first.stdout)
  const file = join(place.folder, 'certs/dkim/sealpost._domainkey.lab.test.rsa-2048.pem')
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

it('check reports keys that contradict each other', async () => {
  place.write(
    'lab.yaml',
    `${SERVERS}mailAuthentication: { addResults: true, dkim: [{ domain: lab.test }, { domain: lab.test }] }\n`,
  )
  const { stderr, status } = await place.run(['check', '--config', 'lab.yaml'])
  expect(status).toBe(2)
  expect(stderr).toContain(
    'mailAuthentication.addResults: has no effect with check: on-demand; write check: on-arrival, or remove it',
  )
  expect(stderr).toContain(
    'mailAuthentication.dkim[1].selector: sealpost._domainkey.lab.test is listed twice; remove one',
  )
})
