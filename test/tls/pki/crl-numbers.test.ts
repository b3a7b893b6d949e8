import { expect, test } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { newFolder } from '../../support/folder.ts'
import { put, run } from './support.ts'

const options: Parameters<typeof startLab>[0] = {
  virtualServers: [{ protocol: 'smtp', port: 0 }],
  certificates: { service: { port: 0 } },
}

test('the number of a revocation list rises, even if the clock stands still or goes back', async () => {
  const folder = newFolder()
  await using lab = await startLab(options)
  const [authority] = await lab.authorities.list()
  const url = `${lab.authorityServiceUrl}/crl/${authority?.name.toLowerCase().replaceAll(' ', '-')}.crl`
  const numberOf = async (der: Buffer): Promise<bigint> => {
    const file = await put(folder, 'list.crl', der)
    const { out } = await run('openssl', ['crl', '-inform', 'DER', '-in', file, '-noout', '-crlnumber'])
    return BigInt(out.trim().split('=')[1] ?? '')
  }
  const numbers: bigint[] = []
  const look = async () => {
    numbers.push(await numberOf(Buffer.from(await (await fetch(url)).arrayBuffer())))
    numbers.push(await numberOf((await lab.authorities.crl()).der))
  }
  await lab.clock.freeze()
  for (const name of ['a', 'b']) {
    const { chain } = await lab.authorities.issueUser({ commonName: name, emails: [`${name}@lab.test`] })
    await lab.authorities.revoke(chain[0].serialNumber)
    await look()
  }
  await lab.clock.advance('40d')
  await look()
  await lab.clock.reset()
  await look()
  expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => (one < other ? -1 : 1)))
})

test('the lists of all keys of an outside authority count, and none gives way to an older one', async () => {
  const [from, to] = [await startLab(options), await startLab(options)]
  try {
    const name = (await from.authorities.list())[0]?.name ?? ''
    const old = Buffer.from((await from.authorities.crl()).pem)
    await from.authorities.renew(name, { newKey: true })
    const { chain } = await from.authorities.issueUser({ commonName: 'a', emails: ['a@lab.test'] })
    await from.authorities.revoke(chain[0].serialNumber)
    const { pem, lists } = await from.authorities.crl()
    expect(lists).toBe(2)
    await to.authorities.addTrusted(old)
    const added = await to.authorities.addTrusted(Buffer.from(pem))
    await to.authorities.addTrusted(Buffer.from(pem))
    const trusted = (await to.authorities.listTrusted()).map(({ thumbprint }) => thumbprint)
    expect(trusted.toSorted()).toEqual(added.map(({ thumbprint }) => thumbprint).toSorted())
    expect(trusted).toHaveLength(2)
    await expect(to.authorities.addTrusted(old)).rejects.toThrow(/is older than the one that the lab has/)
  } finally {
    await from.stop()
    await to.stop()
  }
})
