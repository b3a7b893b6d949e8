import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operations } from '../../src/api/operations.ts'
import { CertificateLab } from '../cli/cert-support.ts'
import { type Answer, basic, bearer, HttpLab } from './client.ts'
import { type OperationCall, operationCases, type Stage } from './operation-cases.ts'

const [ci, watcher, one] = ['ci', 'watcher', 'one'].map((name) => `${name}-token`.repeat(4)) as [string, string, string]

let http: HttpLab
let outside: CertificateLab
let openPort: number
let stage: Stage

beforeAll(async () => {
  http = await HttpLab.start({
    directory: { accounts: ['alice', 'bob', 'one-eve'].map((user) => ({ user, password: 'secret' })) },
    administrators: ['alice'],
    tokens: [
      { name: 'ci', token: ci },
      { name: 'watcher', role: 'reader', token: watcher },
      { name: 'one', role: 'tenant', token: one },
    ],
    virtualServers: [
      { protocol: 'smtp' },
      { protocol: 'imap4' },
      { protocol: 'http', authentication: ['basic'], limits: { failedLogonDelay: '1ms' } },
      { protocol: 'http', name: 'open' },
    ],
  })
  openPort = http.lab.server('open').port as number
  outside = new CertificateLab()
  await outside.outsideAuthority('outside')
  stage = { http, outside, call: (call) => send(call, bearer(ci)) }
})
afterAll(async () => {
  outside.remove()
  await http[Symbol.asyncDispose]()
})

const send = ({ path, type, ...options }: OperationCall, headers: Record<string, string>): Promise<Answer> =>
  http.request(path, { ...options, headers: { ...headers, ...(type === undefined ? {} : { 'content-type': type }) } })

it('every operation has a case, and every case an operation', () => {
  expect(Object.keys(operationCases).sort()).toEqual(operations.map(({ name }) => name).sort())
})

describe.each(operations.map((one) => [one.name, one] as const))('%s', (name, operation) => {
  it('answers as the OpenAPI document declares', async () => {
    const call = (await operationCases[name]?.(stage)) as OperationCall
    const answer = await send(call, bearer(ci))
    const { output, status = output === undefined ? 204 : 200 } = operation
    expect(answer.status, JSON.stringify(answer.body)).toBe(status)
    const type = answer.headers.get('content-type')
    if (output === undefined) expect(answer.body).toBe('')
    else if (typeof output !== 'string') {
      expect(type).toMatch(/^application\/json/)
      expect(output.safeParse(answer.body).error?.issues ?? []).toEqual([])
    } else if (output !== 'application/octet-stream') expect(type).toContain(output)
  })

  const mayRead = ['administrator', 'reader', 'tenant', 'account']
  const allowed = {
    read: mayRead,
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

  it.each(Object.keys(callers).filter((role) => !allowed.includes(role)))('refuses: %s', async (role) => {
    const call = (await operationCases[name]?.(stage)) as OperationCall
    const { status, headers, body } = await send(call, callers[role] as Record<string, string>)
    expect(status).toBe(mayRead.includes(role) ? 403 : 401)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body.type).toMatch(/forbidden$|log-on-required$/)
    if (status === 401) expect(headers.get('www-authenticate')).toMatch(/^Bearer /)
  })

  it.each(allowed)('does not refuse for its role: %s', async (role) => {
    const call = (await operationCases[name]?.(stage)) as OperationCall
    const { status } = await send(call, callers[role] as Record<string, string>)
    // What belongs to others does not exist for a tenant or an account.
    expect(['administrator', 'reader'].includes(role) ? [200, 201, 204] : [200, 201, 204, 403, 404]).toContain(status)
  })
})

it('a caller without credentials is an administrator only on loopback with authentication: [anonymous]', async () => {
  const open = await fetch(`http://127.0.0.1:${openPort}/api/v1/status`)
  expect(await open.json()).toMatchObject({ role: 'administrator' })
})
