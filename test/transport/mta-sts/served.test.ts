import { request } from 'node:https'
import { expect, it, onTestFinished } from 'vitest'
import { type MtaStsDefect, mtaStsDefects } from '../../../src/core/config/schema/mta-sts.ts'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { parsePolicy } from '../../../src/transport/mta-sts/policy.ts'
import { HttpLab } from '../../servers/http/client.ts'

const labOf = (mtaSts?: NonNullable<LabInput['mtaSts']>): LabInput => ({
  hostname: 'mx.lab.test',
  virtualServers: [{ protocol: 'http' }],
  ...(mtaSts ? { outgoing: { mtaSts } } : {}),
})

const http = HttpLab.ofTests(labOf({ mode: 'enforce' }))

interface Fetched {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly body: string
}

/** Fetches the policy as mail servers do: the certificate must be valid for the host. */
function policyAt(host: string, path = '/.well-known/mta-sts.txt', of = http): Promise<Fetched> {
  const { tlsPort: port } = of.lab.server('http')
  const options = { host: '127.0.0.1', port, servername: host, headers: { host }, ca: of.lab.ca, path }
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, agent: false }, async (answer) => {
      let body = ''
      for await (const octets of answer.setEncoding('utf8')) body += octets
      resolve({ status: answer.statusCode, type: answer.headers['content-type'], body })
    })
    asked.on('error', reject).end()
  })
}

it('serves the policy by https with a certificate for its host, without credentials', async () => {
  const { status, type, body } = await policyAt('mta-sts.lab.test')
  expect([status, type]).toEqual([200, 'text/plain'])
  expect(parsePolicy(body)).toEqual({ mode: 'enforce', mx: ['mx.lab.test'], maxAgeSeconds: 86_400 })
})

it('does not serve it in clear text, for other names, or another path at its name', async () => {
  expect((await http.request('/.well-known/mta-sts.txt')).status).toBe(403)
  await using other = await HttpLab.start({ ...labOf({ mode: 'enforce' }), domain: 'shop.example' })
  expect((await policyAt('mta-sts.shop.example', '/api/v1/status', other)).status).toBe(421)
  await expect(policyAt('mta-sts.other.test')).rejects.toThrow(/mta-sts\.other\.test/)
})

it('serves every defect, and follows a reload', async () => {
  onTestFinished(() => http.lab.reload(labOf({ mode: 'enforce' })))
  const seen = new Map<MtaStsDefect, Fetched>()
  for (const defect of mtaStsDefects) {
    await http.lab.reload(labOf({ defect }))
    seen.set(defect, await policyAt('mta-sts.lab.test'))
  }
  expect(seen.get('not-found')?.status).toBe(404)
  expect(seen.get('redirect')?.status).toBe(301)
  expect(seen.get('wrong-content-type')?.type).toBe('text/html')
  expect(seen.get('too-large')?.body.length).toBeGreaterThan(64 * 1024)
  expect(seen.get('wrong-mx')?.body).toContain('mx: mx.elsewhere.invalid')
  for (const [defect, field] of Object.entries({ version: 'version', mode: 'mode', mx: 'mx', 'max-age': 'max_age' })) {
    expect(seen.get(`missing-${defect}` as MtaStsDefect)?.body).not.toContain(`${field}: `)
  }
  await http.lab.reload(labOf())
  await expect(policyAt('mta-sts.lab.test')).rejects.toThrow(/mta-sts/)
})
