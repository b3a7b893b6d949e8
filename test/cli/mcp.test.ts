import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { beforeEach, describe, expect, it } from 'vitest'
import { Agent, type Era, eras } from '../api/mcp/client.ts'
import { mainFile, type ReadyEndpoint, workplaceOfEach } from '../support/sealpost.ts'
import { isThorough, some } from '../support/thorough.ts'
import { withoutPackage } from '../support/without-package.ts'

const [ci, reader] = ['ci-token-ci-token', 'reader-token-reader']
const CONFIGURATION = `certificates: { store: certs, key: p256 }
directory: { accounts: [{ user: alice, password: secret }] }
access:
  tokens: [{ name: ci, token: ${ci} }, { name: watcher, role: reader, token: ${reader} }]
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: http, port: 0, tlsPort: off, authentication: [basic] }
`

const place = workplaceOfEach()
beforeEach(() => {
  place.write('lab.yaml', CONFIGURATION)
})

/** Starts `sealpost mcp ARGS` as clients do, and connects. */
async function open(args: readonly string[], { era }: { era?: Era } = {}): Promise<Agent & { stderr: () => string }> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [mainFile, 'mcp', ...args],
    cwd: place.folder,
    env: place.environment() as Record<string, string>,
    stderr: 'pipe',
  })
  const parts: string[] = []
  transport.stderr?.on('data', (text) => parts.push(String(text)))
  const agent = new Agent(era)
  await agent.client.connect(transport)
  await agent.client.listTools()
  return Object.assign(agent, { stderr: () => parts.join('') })
}

const urlOf = ({ port }: ReadyEndpoint): string => `http://127.0.0.1:${port}`

describe('sealpost mcp', () => {
  it.each(some(eras, 1))('gives an agent the running lab of this machine: %s', async (era) => {
    await using _lab = await place.start(['--config', 'lab.yaml'])
    await using agent = await open(['--config', 'lab.yaml'], { era })
    const waiting = agent.data('wait_for_message', { to: 'alice', timeout: '30s' })
    await agent.data('send_message', { to: ['alice'], subject: 'Code', text: 'Your code is 246810.' })
    const { id, codes } = await waiting
    expect(codes).toEqual(['246810'])
    expect((await agent.data('get_message', { include: ['raw'] })).raw).toMatch(/^Subject: Code\r$/m)
    const { contents } = await agent.client.readResource({ uri: `sealpost://messages/${id}` })
    expect(contents[0]).toMatchObject({ mimeType: 'application/json', text: expect.stringContaining('246810') })
    expect(await agent.data('reset')).toEqual({ done: true })
    const { content } = await agent.call('search_messages', { limt: 1 })
    expect(content[0]?.text).toMatch(/limt: is unknown; did you mean limit\?/)
  })

  it.runIf(isThorough)('ends a call in the lab when the client cancels it', async () => {
    await using _lab = await place.start(['--config', 'lab.yaml'])
    await using agent = await open(['--config', 'lab.yaml'])
    const abort = new AbortController()
    let reported = (): void => {}
    const progress = new Promise<void>((resolve) => {
      reported = resolve
    })
    const options = { signal: abort.signal, onprogress: () => reported() }
    const call = agent.call('wait_for_message', { to: 'alice', timeout: '5m' }, options)
    const refused = expect(call).rejects.toThrow(/abort/i)
    await progress
    abort.abort()
    await refused
    await agent.data('send_message', { to: ['alice'], subject: 'Afterwards' })
    expect((await agent.data('wait_for_message', { to: 'alice', timeout: '10s' })).subject).toBe('Afterwards')
  })

  it.runIf(isThorough)('gives an agent a lab anywhere, with the rights of the token', async () => {
    await using lab = await place.start(['--config', 'lab.yaml'])
    const url = urlOf(lab.endpoint('http'))
    await using agent = await open(['--url', url, '--token', ci])
    await agent.data('send_message', { to: ['alice'], subject: 'Hello' })
    expect((await agent.data('search_messages')).items).toMatchObject([{ subject: 'Hello' }])
    const { content } = await agent.call('remove_fault', {})
    expect(content[0]?.text).toMatch(/id is missing/)
    await using other = await open(['--url', url, '--token', reader])
    expect(await other.tools()).toContain('search_messages')
    expect(await other.tools()).not.toContain('reset')
    await using wrong = await open(['--url', url, '--token', 'wrong-wrong-wrong'])
    expect((await wrong.call('search_messages')).content[0]?.text).toMatch(/^Log on first: the token is not one of/)
  })

  it.runIf(isThorough)('waits for a lab that is not there yet', async () => {
    await using agent = await open(['--config', 'lab.yaml'])
    const { isError, content } = await agent.call('search_messages')
    expect([isError, content[0]?.text]).toEqual([
      true,
      'Not done: no lab of lab.yaml is running under your user; start it with: sealpost start --config lab.yaml',
    ])
    await using _lab = await place.start(['--config', 'lab.yaml'])
    expect((await agent.data('search_messages')).total).toBe(0)
  })

  it('starts a lab with --start, and stops it when the agent disconnects', async () => {
    const agent = await open(['--config', 'lab.yaml', '--start'])
    const { items } = await agent.data('list_virtual_servers')
    expect(items.map(({ protocol }: { protocol: string }) => protocol)).toEqual(['smtp', 'http'])
    const list = ['mail', 'list', '--config', 'lab.yaml']
    expect((await place.run(list)).stderr).toBe('There is no message.\n')
    // A second agent uses the lab of the first.
    const second = await open(['--config', 'lab.yaml', '--start'])
    await second.data('send_message', { to: ['alice'], subject: 'From the second' })
    expect((await agent.data('search_messages')).total).toBe(1)
    await agent[Symbol.asyncDispose]()
    await expect.poll(() => place.run(list)).toMatchObject({ status: 1 })
    // Now it needs one of its own.
    expect((await second.data('search_messages')).total).toBe(0)
    await second[Symbol.asyncDispose]()
  })

  it.each([
    [
      'a package that is missing',
      [],
      /^sealpost: MCP needs the package @modelcontextprotocol\/server; run: npm install /,
      1,
    ],
    [
      'options that exclude each other',
      ['--start', '--url', 'http://127.0.0.1:1'],
      /give --start or --url, not both/,
      2,
    ],
  ])('says what is wrong: %s', async (_, args, message, status) => {
    const env = args.length === 0 ? withoutPackage(place, '@modelcontextprotocol/server') : {}
    const run = args.length === 0 ? place.runProcess : place.runHere
    const result = await run.call(place, ['mcp', ...args], { env })
    expect(result).toMatchObject({ status, stdout: '', stderr: expect.stringMatching(message) })
  })

  it('a configuration that is wrong keeps --start from starting', async () => {
    place.write('lab.yaml', 'virtualServers: [{ protocol: smpt }]\n')
    const result = await place.runHere(['mcp', '--start', '--config', 'lab.yaml'])
    expect(result).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/did you mean smtp/) })
  })
})

it.runIf(isThorough)('without the package the rest of HTTP works, and /mcp says what to install', async () => {
  const env = withoutPackage(place, '@modelcontextprotocol/server')
  await using lab = await place.start(['--config', 'lab.yaml'], { env })
  const url = urlOf(lab.endpoint('http'))
  const headers = { authorization: `Bearer ${ci}`, 'content-type': 'application/json' }
  expect((await fetch(`${url}/api/v1/status`, { headers })).status).toBe(200)
  const answer = await fetch(`${url}/mcp`, { method: 'POST', headers, body: '{}' })
  expect(answer.status).toBe(501)
  expect(await answer.json()).toMatchObject({
    detail: expect.stringMatching(/^MCP needs the package @modelcontextprotocol\/server; run: npm install /),
  })
})
