import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { workplaceOfEach } from '../support/sealpost.ts'

const place = workplaceOfEach()

const accounts = 'directory: { accounts: [{ user: alice, password: secret }] }\n'

test('a valid configuration', async () => {
  place.write('lab.yaml', `${accounts}virtualServers: [{ protocol: smtp, port: 0 }]`)
  const { status, stdout, stderr } = await place.run(['check', '--config', 'lab.yaml'])
  expect([status, stdout, stderr]).toEqual([0, 'lab.yaml: 1 virtual server, no errors\n', ''])
})

test('reports a port in use and an unknown certificate', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  place.write('lab.yaml', `${accounts}virtualServers:\n  - { protocol: smtp, port: ${port}, certificate: Lost }\n`)
  const { status, stderr } = await place.run(['check', '--config', 'lab.yaml'])
  other.close()
  expect(status).toBe(2)
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(
      /^lab\.yaml:3:\d+: virtualServers\[0\]\.certificate: no certificate "Lost" is in the store; /,
    ),
    expect.stringMatching(
      `^lab\\.yaml:3:\\d+: virtualServers\\[0\\]\\.port: cannot listen on 127\\.0\\.0\\.1 port ${port}: it is in use by another program; `,
    ),
  ])
})

test('reports an address of another machine as JSON; a warning does not change the status', async () => {
  place.write('lab.yaml', `${accounts}virtualServers: [{ protocol: smtp, port: 3025, address: 192.0.2.1 }]`)
  const { status, stdout } = await place.run(['check', '--config', 'lab.yaml', '--json'])
  expect(status).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, findings: [{ severity: 'warning' }, { severity: 'error' }] })
  place.write('open.yaml', 'virtualServers: [{ protocol: smtp, port: 0 }]')
  const open = await place.run(['check', '--config', 'open.yaml'])
  expect(open.status).toBe(0)
  expect(open.stderr).toContain('warning: open.yaml:1:1: directory.accounts: no accounts are listed')
})

test('does not report the ports of the running lab', async () => {
  place.write(
    'lab.yaml',
    `${accounts}certificates: memory\nvirtualServers: [{ protocol: pop3, certificate: none, port: 0 }]`,
  )
  await using running = await place.start(['--config', 'lab.yaml'])
  const { port } = running.endpoint('pop3')
  place.write(
    'lab.yaml',
    `${accounts}certificates: memory\nvirtualServers: [{ protocol: pop3, certificate: none, port: ${port} }]`,
  )
  expect(await place.run(['check', '--config', 'lab.yaml'])).toMatchObject({ status: 0 })
})

test('does not report the ports of the authority service of the running lab', async () => {
  const [port = 0, tlsPort = 0] = await freePorts(2)
  const service = `{ address: 127.0.0.1, port: ${port}, tlsPort: ${tlsPort} }`
  const text = `${accounts}certificates: { store: memory, service: ${service} }\nvirtualServers: [{ protocol: pop3, certificate: none, port: 0 }]`
  for (const name of ['lab.yaml', 'second.yaml']) place.write(name, text)
  const check = () => place.run(['check', '--config', 'lab.yaml'])
  {
    await using _running = await place.start(['--config', 'lab.yaml'])
    expect(await check()).toMatchObject({ status: 0, stderr: '' })
    // To a second lab, the ports are taken.
    const second = await place.runHere(['start', '--config', 'second.yaml'])
    expect([second.status, second.stderr]).toEqual([1, expect.stringContaining(`port ${port}`)])
  }
  const other = createServer().listen(port, '127.0.0.1')
  await once(other, 'listening')
  const { status, stderr } = await check()
  other.close()
  expect([status, stderr]).toEqual([1, expect.stringContaining('in use by another program')])
})

test('prints JSON for an invalid file', async () => {
  place.write('lab.yaml', 'portOffset: x\nhostnam: y\nvirtualServers: [{ protocol: smtp, port: 0 }]\n')
  const { status, stdout, stderr } = await place.run(['check', '--config', 'lab.yaml', '--json'])
  expect([status, stderr]).toEqual([2, ''])
  expect(JSON.parse(stdout)).toEqual({
    ok: false,
    findings: [
      { severity: 'mistake', message: expect.stringMatching(/^lab\.yaml:1:13: portOffset: is "x"/) },
      { severity: 'mistake', message: 'lab.yaml:2:1: hostnam: unknown key; did you mean hostname?' },
    ],
  })
  const missing = await place.run(['check', '--config', 'nowhere.yaml', '--json'])
  expect([missing.status, JSON.parse(missing.stdout)]).toMatchObject([2, { ok: false, findings: [{}] }])
})

test('warns of a key file of controlSenders that cannot be read', async () => {
  place.write(
    'lab.yaml',
    `${accounts}virtualServers: [{ protocol: nntp, port: 0 }]\ncontrolSenders: [{ from: "*", key: lost.asc }]\n`,
  )
  const { status, stderr } = await place.run(['check', '--config', 'lab.yaml'])
  expect(stderr).toMatch(
    /^warning: lab\.yaml:3:\d+: controlSenders\[0\]\.key: no control message of this sender can take effect: cannot read .*lost\.asc: /m,
  )
  expect(status).toBe(0)
})
