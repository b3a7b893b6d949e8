import { afterAll, describe, expect, test } from 'vitest'
import { tokenDefects } from '../../../src/accounts/oauth2/defects.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { LineClient } from '../../support/line-client.ts'
import {
  acknowledgements,
  dialects,
  greet,
  logOn,
  mechanisms,
  open,
  protocolNames,
  response,
  startTokenLab,
} from './support.ts'

/** The HTTP virtual server gives the lab an issuer with a discovery document. */
const virtualServers = [...protocolNames.map((protocol) => ({ protocol })), { protocol: 'http' as const }]
const forms = ['rfc', 'google', 'microsoft'] as const

const labs = new Map<string, TestLab>()
const labOf = (form: string): TestLab => {
  const found = labs.get(form)
  if (!found) throw new Error(form)
  return found
}

for (const errorForm of forms) labs.set(errorForm, await startTokenLab({ virtualServers, oauth2: { errorForm } }))
afterAll(async () => {
  for (const lab of labs.values()) await lab.stop()
})

const combinations = protocolNames.flatMap((protocol) => mechanisms.map((mechanism) => ({ protocol, mechanism })))

describe.each(combinations)('$protocol, $mechanism', ({ protocol, mechanism }) => {
  const { challenge, success, failure, needsTls } = dialects[protocol]

  test('logs on with a token of the lab, also without an initial response', async () => {
    const lab = labOf('rfc')
    const token = await lab.accessToken({ user: 'alice' })
    const client = await open(lab, protocol)
    expect(await logOn(client, protocol, mechanism, response(mechanism, token))).toMatch(
      new RegExp(`^${escape(success)}`),
    )
    client.destroy()

    using later = await open(lab, protocol)
    later.send(`${dialects[protocol].command(mechanism, '').trim()}\r\n`)
    expect(await later.line()).toBe(`${challenge} ${protocol === 'nntp' ? '=' : ''}`)
    later.send(`${response(mechanism, token)}\r\n`)
    expect(await later.line()).toMatch(new RegExp(`^${escape(success)}`))
  })

  test.each(forms)('refuses every defect in the form %s, and the session continues', async (form) => {
    const lab = labOf(form)
    using client = await open(lab, protocol)
    for (const defect of tokenDefects) {
      const token = await lab.accessToken({ user: 'alice', defect })
      const first = await logOn(client, protocol, mechanism, response(mechanism, token))
      const expected = errorOf(lab, form, mechanism, defect, protocol)
      if (expected === undefined) expect(first).toBe(failure)
      else {
        const [word, json = ''] = (first ?? '').split(' ')
        expect([word, Buffer.from(json, 'base64').toString()]).toEqual([challenge, JSON.stringify(expected)])
        client.send(`${acknowledgements[mechanism]}\r\n`)
        expect(await client.line()).toBe(failure)
      }
    }
    const good = await lab.accessToken({ user: 'alice' })
    expect(await logOn(client, protocol, mechanism, response(mechanism, good))).toMatch(
      new RegExp(`^${escape(success)}`),
    )
  })

  test('RFC 7628 section 4: needs TLS, and is not offered without', async () => {
    const lab = labOf('rfc')
    const token = await lab.accessToken({ user: 'alice' })
    using client = await LineClient.open(lab.server(protocol).port ?? 0)
    await greet(client, protocol)
    expect(await logOn(client, protocol, mechanism, response(mechanism, token))).toBe(needsTls)
  })

  test('accepts only the user of the token', async () => {
    const lab = labOf('rfc')
    const token = await lab.accessToken({ user: 'bob' })
    using client = await open(lab, protocol)
    const refused = await logOn(client, protocol, mechanism, response(mechanism, token, 'alice'))
    expect(refused).toMatch(new RegExp(`^${escape(challenge)} eyJ`))
    client.send(`${acknowledgements[mechanism]}\r\n`)
    expect(await client.line()).toBe(failure)
    const byAddress = await logOn(client, protocol, mechanism, response(mechanism, token, 'bob@lab.test'))
    expect(byAddress).toMatch(new RegExp(`^${escape(success)}`))
  })
})

/** Returns the JSON that a form sends; undefined if it sends none. */
function errorOf(lab: TestLab, form: string, mechanism: string, defect: string, protocol: string): object | undefined {
  if (form === 'microsoft') return undefined
  if (form === 'google') {
    const scope = 'https://mail.google.com/'
    return mechanism === 'XOAUTH2' ? { status: '400', schemes: 'Bearer', scope } : { status: 'invalid_request', scope }
  }
  return {
    status: defect === 'wrong-scope' ? 'insufficient_scope' : 'invalid_token',
    scope: protocol,
    'openid-configuration': `https://localhost:${lab.server('http').tlsPort}/.well-known/openid-configuration`,
  }
}

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
