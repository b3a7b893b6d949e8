import { beforeEach, expect, it } from 'vitest'
import { Workplace } from '../../../support/sealpost.ts'
import { withoutPackage } from '../../../support/without-package.ts'

let place: Workplace
beforeEach(() => {
  place = new Workplace()
  place.write('lab.yaml', 'virtualServers: [{ protocol: http, port: 0, tlsPort: off }]\n')
})

it('without the package the rest of HTTP works, and /oauth2/ says what to install', async () => {
  const env = withoutPackage(place, 'oidc-provider')
  await using lab = await place.start(['--config', 'lab.yaml'], { env })
  const base = `http://127.0.0.1:${lab.endpoint('http').port}`
  expect((await fetch(`${base}/api/v1/status`)).status).toBe(200)
  const answer = await fetch(`${base}/.well-known/openid-configuration`)
  expect(answer.status).toBe(501)
  expect(await answer.json()).toMatchObject({
    detail: expect.stringMatching(/^the authorization server needs the package oidc-provider; run: npm install /),
  })
})
