import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Example, loadExamples } from '../../../src/api/openapi/examples.ts'
import { operations } from '../../../src/api/operations.ts'
import { CertificateLab } from '../../cli/cert-support.ts'
import { isLong } from '../../support/long.ts'
import { isThorough } from '../../support/thorough.ts'
import { type Answer, basic, bearer, HttpLab } from './client.ts'
import { undocumented } from './documented.ts'
import { checkHttpRules } from './http-rules.ts'
import { callOf, exampleCall, exampleRequest, type OperationCall, type Stage } from './operation-cases.ts'
import { differences, isRecording, Recorder, writeExamples } from './recorded-examples.ts'

const [ci, watcher, one] = ['ci', 'watcher', 'one'].map((name) => `${name}-token`.repeat(4)) as [string, string, string]

let http: HttpLab
let outside: CertificateLab
let openPort: number
let stage: Stage
let recorder: Recorder
const examples = await loadExamples()
const taken: Record<string, Example> = {}
/** The calls of the examples. */
const called: Record<string, OperationCall> = {}

/** Refuses every event for good. */
const receiver = createServer((request, response) => {
  request.resume()
  response.writeHead(410).end()
})

beforeAll(async () => {
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  const { port } = receiver.address() as AddressInfo
  http = await HttpLab.start({
    testing: { packets: 'memory' },
    dns: { port: 0 },
    mail: { remoteContent: ['images.example'] },
    // Nothing answers challenges there.
    certificates: { service: { port: 0, acme: { httpPort: 1 } } },
    directory: { accounts: ['alice', 'bob', 'one-eve'].map((user) => ({ user, password: 'secret' })) },
    access: {
      administrators: ['alice'],
      tokens: [
        { name: 'ci', token: ci },
        { name: 'watcher', role: 'reader', token: watcher },
        { name: 'one', role: 'tenant', token: one },
      ],
    },
    // Nothing listens there.
    outgoing: { connectors: [{ name: 'Default SMTP Connector', smartHost: { host: '127.0.0.1', port: 1 } }] },
    webhooks: [{ url: `http://127.0.0.1:${port}/hook`, secret: 'x'.repeat(32) }],
    virtualServers: [
      { protocol: 'smtp' },
      {
        protocol: 'nntp',
        // Nothing listens there.
        feeds: [{ peer: 'news.example.net', direction: 'out', host: '127.0.0.1', port: 1, tls: 'off' }],
      },
      { protocol: 'imap4' },
      { protocol: 'http', authentication: ['basic'], limits: { failedLogonDelay: '1ms' } },
      { protocol: 'http', name: 'open' },
    ],
  })
  openPort = http.lab.server('open').port as number
  recorder = new Recorder(http.lab, port)
  outside = new CertificateLab()
  await outside.outsideAuthority('outside')
  stage = { http, outside, call: (call) => send(call, bearer(ci)) }
})
afterAll(async () => {
  if (isRecording) writeExamples(taken)
  receiver.close()
  await http[Symbol.asyncDispose]()
})

const send = ({ path, type, ...options }: OperationCall, headers: Record<string, string>): Promise<Answer> =>
  http.request(path, { ...options, headers: { ...headers, ...(type === undefined ? {} : { 'content-type': type }) } })

describe.each(operations.map((one, index) => [one.name, one, index] as const))('%s', (name, operation, index) => {
  it('answers its example as the OpenAPI document declares', async () => {
    const request = await exampleRequest(operation, stage)
    const call = callOf(operation, request.input, request.upload)
    called[name] = call
    const answer = await send(call, bearer(ci))
    const { output, status = output === undefined ? 204 : 200 } = operation
    expect(answer.status, JSON.stringify(answer.body)).toBe(status)
    expect(undocumented(operation, answer)).toEqual([])
    const example = recorder.example(request, operation, answer)
    taken[name] = example
    if (!isRecording) expect(differences(example, examples[name])).toEqual([])
    // Every eighth operation in the short form. http-semantics.test.ts has these rules for each kind of answer.
    if (isThorough || index % 8 === 0)
      await checkHttpRules(operation, call, answer, (again, more) => send(again, { ...bearer(ci), ...more }))
  })

  const mayRead = ['administrator', 'reader', 'tenant', 'account']
  const allowed = {
    read: mayRead,
    inspect: ['administrator', 'reader'],
    change: ['administrator', 'tenant', 'account'],
    administer: ['administrator'],
  }[operation.access]
  const callers: Readonly<Record<string, Record<string, string>>> = {
    administrator: basic('alice', 'secret'),
    reader: bearer(watcher),
    tenant: bearer(one),
    account: basic('bob', 'secret'),
    'wrong token': bearer('wrong'),
    'wrong password': basic('alice', 'wrong'),
    nobody: {},
  }

  it('refuses all others', async () => {
    // A refused call changes nothing, so that one state of the lab serves all. In the short form that is the state after the
    // example: the answer is the same if what the call names is gone.
    const call = (isThorough ? undefined : called[name]) ?? (await exampleCall(operation, stage))
    const refused = Object.keys(callers).filter((one) => !allowed.includes(one))
    // One of them in the short form, another one for the next operation.
    for (const role of refused.filter((_, i) => isThorough || i === index % refused.length)) {
      const answer = await send(call, callers[role] as Record<string, string>)
      expect(answer.status, role).toBe(mayRead.includes(role) ? 403 : 401)
      expect(undocumented(operation, answer), role).toEqual([])
      expect(answer.body.type, role).toMatch(/forbidden$|log-on-required$/)
      if (answer.status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /)
    }
  })

  it('does not refuse because of the role', async () => {
    // The example was called as an administrator. The other roles take turns, in the short form for every third operation.
    const others = allowed.filter((role) => role !== 'administrator')
    const turn = Math.floor(index / 3) % others.length
    const inTurn = isThorough || index % 3 === 0 ? others.slice(turn, turn + 1) : []
    for (const role of isLong ? allowed : inTurn) {
      const answer = await send(await exampleCall(operation, stage), callers[role] as Record<string, string>)
      // Property of others does not exist for a tenant or an account.
      const isLab = role === 'administrator' || role === 'reader'
      expect(isLab ? [200, 201, 202, 204] : [200, 201, 202, 204, 403, 404], role).toContain(answer.status)
      expect(undocumented(operation, answer), role).toEqual([])
    }
  })
})

it('a caller without credentials is an administrator only on loopback with authentication: [anonymous]', async () => {
  const open = await fetch(`http://127.0.0.1:${openPort}/api/v1/status`)
  expect(await open.json()).toMatchObject({ role: 'administrator' })
})
