import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearer } from '../servers/http/client.ts'
import { type StartedLab, Workplace, workplaceOfEach } from '../support/sealpost.ts'
import { some } from '../support/thorough.ts'

const place = workplaceOfEach()

/** Only this machine reaches this address, but it does not count as loopback: nothing here is open to others. */
const ADDRESS = '::ffff:127.0.0.1'
const lab = (more = ''): string => `certificates: { store: certs, key: p256 }
directory: { accounts: [{ user: alice, password: secret }] }
virtualServers: [{ protocol: http, address: '${ADDRESS}', port: 0, tlsPort: 0 }]
${more}`

const statusOf = async (port: number | undefined, headers: Record<string, string> = {}): Promise<number> =>
  (await fetch(`http://127.0.0.1:${port}/api/v1/status`, { headers })).status

describe('a lab that other machines can reach, without tokens and administrators', () => {
  let place: Workplace
  let running: StartedLab
  beforeAll(async () => {
    place = new Workplace()
    place.write('lab.yaml', lab())
    running = await place.start(['--config', 'lab.yaml'])
  })
  afterAll(() => running.end())

  test('accepts the token of its ready event, also after a reload, and logs it nowhere', async () => {
    const { administratorToken: token = '' } = running.event
    expect(token).toMatch(/^[\w-]{32}$/)
    const [http] = running.endpoints
    expect(await statusOf(http?.port)).toBe(401)
    expect(await statusOf(http?.port, bearer(`${token}x`))).toBe(401)
    expect(await statusOf(http?.port, bearer(token))).toBe(200)
    expect((await place.run(['reload', '--config', 'lab.yaml'])).status).toBe(0)
    expect(await statusOf(http?.port, bearer(token))).toBe(200)
    expect(running.stderr.join('')).not.toContain(token)
    expect((await place.run(['sessions', '--config', 'lab.yaml', '--json'])).stdout).not.toContain(token)
  })

  test('is healthy without the token', async () => {
    const { status, stdout } = await place.run(['healthcheck', '--config', 'lab.yaml'])
    expect([status, stdout]).toEqual([0, 'all 2 ports are healthy\n'])
  })
})

test('start prints the token, the address of the API, and the console with the token', async () => {
  place.write('lab.yaml', lab())
  const lines = await place.untilReady(['start', '--config', 'lab.yaml'])
  const at = lines.indexOf('HTTP API:')
  expect(lines[at + 1]).toMatch(/^ {2}http:\/\/localhost:\d+$/)
  expect(lines[at + 2]).toMatch(/^ {2}administrator's token \(until the lab stops\): [\w-]{32}$/)
  const token = lines[at + 2]?.split(' ').at(-1)
  expect(lines[lines.indexOf('Next:') + 1]).toBe(`${lines[at + 1]}/#token=${token}  the console`)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
})

// Each starts a process.
const others: [string, Readonly<Record<string, string>>][] = [
  ['access:\n  administrators: [alice]\n', {}],
  ['', { SEALPOST_TOKENS: '[{ name: ci, token: ci-ci-ci-ci-ci-ci }]' }],
  ['', { SEALPOST_TOKENS: '[{ name: ci, tokenFile: ci.token }]' }],
]
test.each(some(others, 1))('none is generated with %s %j', async (more, env) => {
  place.write('ci.token', 'ci-ci-ci-ci-ci-ci\n')
  place.write('lab.yaml', lab(more))
  await using running = await place.start(['--config', 'lab.yaml'], { env })
  expect(running.event.administratorToken).toBeUndefined()
  const [http] = running.endpoints
  expect(await statusOf(http?.port)).toBe(401)
  if (more === '') expect(await statusOf(http?.port, bearer('ci-ci-ci-ci-ci-ci'))).toBe(200)
})

test('check says that a token will be generated, and how to choose one', async () => {
  place.write('lab.yaml', lab())
  const { status, stderr } = await place.run(['check', '--config', 'lab.yaml'])
  expect(status).toBe(0)
  expect(stderr).toMatch(/lab\.yaml:3:\d+: virtualServers\[0\]\.address: .*`start` generates a token.*tokens: \[\{/)
  place.write('named.yaml', lab('access:\n  administrators: [alice]\n'))
  expect((await place.run(['check', '--config', 'named.yaml'])).stderr).not.toContain('generates')
})
