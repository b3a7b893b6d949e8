import { afterAll, expect, it } from 'vitest'
import { Workplace } from '../support/sealpost.ts'

const TOKEN = 'token-of-an-administrator'
const READER = 'token-of-a-reader-of-all'
const place = new Workplace()

place.write(
  'lab.yaml',
  `certificates: { store: certs, key: p256 }
access:
  tokens: [{ name: ci, token: ${TOKEN} }, { name: watcher, role: reader, token: ${READER} }]
virtualServers: [{ protocol: http, port: 0, tlsPort: off }]
`,
)
const lab = await place.start(['--config', 'lab.yaml'])
const url = `http://127.0.0.1:${lab.endpoint('http').port}`
afterAll(() => lab.end())

const clock = (...args: readonly string[]) =>
  place.run(['clock', ...args, ...(args.includes('--url') ? [] : ['--config', 'lab.yaml'])])
const state = async (...args: readonly string[]): Promise<{ now: string; frozen: boolean; offsetMs: number }> =>
  JSON.parse((await clock(...args, '--json')).stdout)

it('shows the time of the lab, which is that of the machine at first', async () => {
  const before = Date.now()
  const { now, ...rest } = await state('show')
  expect(rest).toEqual({ frozen: false, offsetMs: 0 })
  expect(Date.parse(now)).toBeGreaterThanOrEqual(before)
  expect(Date.parse(now)).toBeLessThanOrEqual(Date.now())
  expect((await clock('show')).stdout).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n$/)
})

it('sets, stops, moves, resumes and resets the clock', async () => {
  expect((await clock('freeze')).stdout).toMatch(/Z \(stopped/)
  expect(await state('set', '2031-02-03')).toMatchObject({ now: '2031-02-03T00:00:00.000Z', frozen: true })
  expect((await state('show')).now).toBe('2031-02-03T00:00:00.000Z')
  expect((await state('advance', '40d')).now).toBe('2031-03-15T00:00:00.000Z')
  expect((await clock('show')).stdout).toMatch(/^2031-03-15T00:00:00\.000Z \(stopped, \d+ s ahead of the machine\)\n$/)
  expect(await state('resume')).toMatchObject({ frozen: false })
  expect(await state('set', '2020-01-01T12:00:00Z')).toMatchObject({ now: expect.stringMatching(/^2020-01-01T12:/) })
  expect((await clock('show')).stdout).toMatch(/ \(\d+ s behind the machine\)\n$/)
  expect(await state('reset')).toMatchObject({ frozen: false, offsetMs: 0 })
})

it('moves the clock of a lab at --url, unless the token only reads', async () => {
  const far = ['--url', url, '--token', TOKEN]
  expect((await state('set', '2040-05-06', ...far)).now).toMatch(/^2040-05-06T/)
  expect((await state('show')).now).toMatch(/^2040-05-06T/)
  expect((await state('show', '--url', url, '--token', READER)).now).toMatch(/^2040-05-06T/)
  const refused = await clock('reset', '--url', url, '--token', READER)
  expect([refused.status, refused.stdout]).toEqual([1, ''])
  expect(await state('reset', ...far)).toMatchObject({ offsetMs: 0 })
})

it('refuses what is not a time or a duration, and changes nothing', async () => {
  for (const wrong of [
    ['set', 'tomorrow'],
    ['set', '2027-13-45'],
    ['advance', 'soon'],
    ['advance', '5'],
  ]) {
    const { status, stdout, stderr } = await clock(...wrong)
    expect([wrong, status, stdout]).toEqual([wrong, 2, ''])
    expect(stderr).toMatch(new RegExp(`^sealpost: <(?:time|duration)>: is "${wrong[1]}"; .+\\n$`))
  }
  expect(await state('show')).toMatchObject({ frozen: false, offsetMs: 0 })
})
