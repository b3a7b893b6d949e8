import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/index.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { HttpLab } from '../../servers/http/client.ts'
import { newFolder } from '../../support/folder.ts'

/** The other organization asks for reports by mail and by HTTPS. */
const configuration = (rua: readonly string[]): LabInput => ({
  hostname: 'mx.example.test',
  domain: 'example.test',
  directory: { mode: 'open' },
  dns: { port: 0 },
  outgoing: { mtaSts: { mode: 'testing' }, tlsReports: { rua: [...rua] } },
  virtualServers: [{ protocol: 'smtp', certificate: { defect: 'expired' } }, { protocol: 'http' }],
})

const folder = newFolder()
let other: TestLab
let http: HttpLab
beforeAll(async () => {
  other = await startLab(configuration(['mailto:rua@example.test']))
  const authority = join(folder, 'root.pem')
  writeFileSync(authority, other.ca)
  const policyPort = Number(other.server('http').tlsPort)
  const places = { resolver: other.dns.server, port: other.server('smtp').port, policyPort, authority }
  http = await HttpLab.start({
    outgoing: {
      connectors: [{ name: 'DNS', route: 'dns', when: 'automatic', deny: ['*@denied.test'], ...places }],
      tlsReports: { organization: 'Lab', from: 'tls@lab.test' },
    },
  })
})
afterAll(async () => {
  await http[Symbol.asyncDispose]()
  await other.stop()
})

/** Sends a message to the other organization, whose certificate has expired. */
async function sendMail(): Promise<void> {
  const arrived = other.waitForMessage('bob@example.test', { timeout: 30_000 })
  const mail = { from: 'alice@lab.test', to: 'bob@example.test', subject: 'hello', text: 'text' }
  await createTransport(http.lab.nodemailer()).sendMail(mail)
  await arrived
}

const send = () => http.request('tls-reports/send', { json: {} })

it('sends what sessions led to, by mail to the address of the domain, once', async () => {
  await sendMail()
  const results = [{ policyType: 'sts', failures: [{ resultType: 'certificate-expired', failedSessions: 1 }] }]
  const list = async () => (await http.request('tls-reports?domain=example.test')).body.items
  await expect.poll(list).toMatchObject([{ domain: 'example.test', policies: results }])
  const arrived = other.waitForMessage('rua@example.test', { timeout: 30_000 })
  const { body } = await send()
  expect(body.reports).toMatchObject([{ domain: 'example.test', to: 'mailto:rua@example.test', problem: null }])
  await arrived
  const at = `http://127.0.0.1:${other.server('http').port}/api/v1/messages`
  const { items } = (await (await fetch(`${at}?account=rua`)).json()) as { items: { id: string }[] }
  const shown = (await (await fetch(`${at}/${items[0]?.id}`)).json()) as { tlsReport: Record<string, unknown> }
  expect(shown.tlsReport).toMatchObject({ problem: null, organizationName: 'Lab', contactInfo: 'tls@lab.test' })
  expect(shown.tlsReport.policies).toMatchObject(results)
})

it('sends it by HTTPS to the URL of the domain', async () => {
  await send()
  const { tlsPort } = other.server('http')
  await other.reload(configuration([`https://mx.example.test:${tlsPort}/tls-reports`]))
  // Connections are kept for further messages, and a report counts sessions.
  await other.disconnect()
  await sendMail()
  const arrived = other.waitForMessage('tls-reports@example.test', { timeout: 30_000 })
  await expect.poll(async () => (await http.request('tls-reports')).body.items).toHaveLength(1)
  expect((await send()).body.reports).toMatchObject([{ problem: null }])
  expect((await arrived).subject).toContain('Report Domain: example.test')
})

it('sends nothing to a URI that is no mail address, and says so', async () => {
  const rua = 'mailto:a%0D%0ABcc:%20b@example.test'
  await send()
  await other.reload(configuration([rua]))
  await other.disconnect()
  await sendMail()
  await expect.poll(async () => (await http.request('tls-reports')).body.items).toHaveLength(1)
  expect((await send()).body.reports).toMatchObject([{ to: rua, problem: `${rua} is not a valid mail address` }])
})

it('sends five reports at most, and none to addresses, other ports and denied hosts', async () => {
  const { tlsPort } = other.server('http')
  const rua = [
    `https://127.0.0.1:${tlsPort}/tls-reports`,
    `https://[::1]:${tlsPort}/tls-reports`,
    `https://mx.example.test:${other.server('smtp').port}/tls-reports`,
    `https://denied.test:${tlsPort}/tls-reports`,
    'mailto:a@example.test',
    'mailto:b@example.test',
  ]
  await send()
  await other.reload(configuration(rua))
  await other.disconnect()
  await sendMail()
  await expect.poll(async () => (await http.request('tls-reports')).body.items).toHaveLength(1)
  expect((await send()).body.reports).toMatchObject([
    { to: rua[0], problem: `${rua[0]} has an address instead of a name` },
    { to: rua[1], problem: `${rua[1]} has an address instead of a name` },
    { to: rua[2], problem: `${rua[2]} has a port other than 443 and ${tlsPort}` },
    { to: rua[3], problem: 'the connector DNS sends nothing to postmaster@denied.test (deny: *@denied.test)' },
    { to: rua[4], problem: null },
  ])
})

it('sends the reports about a day when the clock passes midnight', async () => {
  await other.reload(configuration(['mailto:daily@example.test']))
  await other.disconnect()
  await send()
  await http.lab.clock.moveTo(new Date().setUTCHours(12, 0, 0, 0))
  await sendMail()
  const items = async (): Promise<{ day: string }[]> => (await http.request('tls-reports')).body.items
  await expect.poll(items).toHaveLength(1)
  const [{ day = '' } = {}] = await items()
  const arrived = other.waitForMessage('daily@example.test', { timeout: 30_000 })
  await http.lab.clock.advance('1d')
  expect((await arrived).subject).toContain('Report Domain: example.test')
  // The message that failed may have been tried again on the next day.
  expect((await items()).filter((one) => one.day === day)).toEqual([])
})
