import { afterAll, beforeAll, expect, it } from 'vitest'
import { type StartedLab, Workplace } from '../support/sealpost.ts'

const place = new Workplace()
let lab: StartedLab
let url: string

beforeAll(async () => {
  place.write(
    'lab.yaml',
    `certificates: { store: certs, key: p256 }
directory: { accounts: [{ user: alice, password: secret }] }
oauth2: { issuer: 'https://login.lab.test' }
virtualServers: [{ protocol: http, port: 0, tlsPort: off, authentication: [basic] }]
access:
  tokens: [{ name: ci, token: token-of-an-administrator }]
`,
  )
  lab = await place.start(['--config', 'lab.yaml'])
  url = `http://127.0.0.1:${lab.endpoint('http').port}`
})
afterAll(() => lab.end())

const token = (...args: readonly string[]) => place.run(['access-token', '--config', 'lab.yaml', ...args])
const ask = (bearer: string): Promise<Response> =>
  fetch(`${url}/api/v1/status`, { headers: { authorization: `Bearer ${bearer}` } })

it('prints a token that the lab accepts', async () => {
  const { stdout, status } = await token('--account', 'alice')
  expect([status, (await ask(stdout.trim())).status]).toEqual([0, 200])
})

it('prints a token with a defect, and what the lab says about it as JSON', async () => {
  const { stdout } = await token('--account', 'alice', '--defect', 'expired', '--scope', 'http imap4', '--json')
  const issued = JSON.parse(stdout)
  expect([issued.user, issued.scope]).toEqual(['alice', ['http', 'imap4']])
  expect((await ask(issued.accessToken)).status).toBe(401)
})

it('names an option as it is typed', async () => {
  const { status, stderr } = await token('--account', '')
  expect([status, stderr]).toEqual([2, 'sealpost: --account: is empty\n'])
})

it('names the known defects', async () => {
  const { stderr, status } = await token('--account', 'alice', '--defect', 'stale')
  expect(status).toBe(2)
  expect(stderr).toContain('expired, wrong-audience, wrong-issuer, wrong-scope, revoked, bad-signature or alg-none')
})

it('a token of before is valid after a restart, because the keys are kept with the certificates', async () => {
  const { stdout } = await token('--account', 'alice')
  await lab.end()
  lab = await place.start(['--config', 'lab.yaml'])
  url = `http://127.0.0.1:${lab.endpoint('http').port}`
  expect((await ask(stdout.trim())).status).toBe(200)
})
