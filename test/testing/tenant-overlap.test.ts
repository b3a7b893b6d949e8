import { createTransport } from 'nodemailer'
import { describe, expect, it } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import { hostLab } from '../../src/testing/tenants/shared/host.ts'
import { SharedTenant } from '../../src/testing/tenants/shared/shared-tenant.ts'

describe('tenants whose names begin alike', () => {
  it('cannot share a lab from several processes, whoever connects first', async () => {
    await using lab = await startLab()
    await using host = await hostLab(lab)
    await using one = await SharedTenant.of(host.shared, 'a-b')
    await expect(SharedTenant.of(host.shared, 'a')).rejects.toThrow('tenant "a" cannot be told from tenant "a-b"')
    await expect(SharedTenant.of(host.shared, 'a b')).rejects.toThrow('"a b" cannot be the name of a tenant')
    await using other = await SharedTenant.of(host.shared, 'a_b')
    await createTransport(other.nodemailer('eve')).sendMail({
      from: other.address('eve'),
      to: other.address('mallory'),
      subject: 'x',
    })
    await other.receives({ to: 'mallory' })
    expect(await one.messages()).toEqual([])
    expect(await one.sessions()).toEqual([])
  })

  it('are kept apart from the tenants of tokens', async () => {
    await using lab = await startLab({
      access: { tokens: [{ name: 'a-b', role: 'tenant', token: 'token-of-a-b-token-of-a-b' }] },
      virtualServers: [{ protocol: 'smtp' }, { protocol: 'http' }],
    })
    const tenant = lab.tenant('a')
    for (const user of ['a-eve', 'a-b-eve']) {
      const transport = createTransport(lab.nodemailer(user))
      await transport.sendMail({ from: `${user}@lab.test`, to: `${user}@lab.test`, subject: user })
      await transport.sendMail({ from: `${user}@lab.test`, to: 'customer@shop.example', subject: user })
    }
    await lab.deliver({ subject: 'by the lab' }, 'a-b-eve')
    expect((await tenant.messages()).map(({ subject }) => subject)).toEqual(['a-eve', 'a-eve'])
    expect(new Set(tenant.sessions().map(({ user }) => user))).toEqual(new Set(['a-eve']))
    // Refused before a log-on: only what the client says tells whose session it is.
    const anonymous = createTransport({ host: '127.0.0.1', port: lab.server('smtp').port, tls: { ca: lab.ca } })
    await anonymous.sendMail({ from: 'x@lab.test', to: 'a-b-eve@lab.test', subject: 'x' })
    expect(tenant.sessions().filter(({ user }) => user === undefined)).toEqual([])
    await tenant.clear()
    expect((await lab.messages({ to: 'a-b-eve' })).map(({ subject }) => subject)).toEqual([
      'a-b-eve',
      'by the lab',
      'x',
    ])
  })
})
