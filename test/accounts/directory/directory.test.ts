import { describe, expect, test } from 'vitest'
import { createDirectory } from '../../../src/accounts/directory/directory.ts'

const listed = createDirectory({
  domain: 'lab.test',
  directory: {
    mode: 'listed',
    unknown: 'refuse',
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'bob', password: 'geheim', addresses: ['bob@lab.test', 'Robert@Other.Test'] },
      { user: 'carol@lab.test', password: 'três' },
    ],
  },
})
const open = createDirectory({
  domain: 'lab.test',
  directory: { mode: 'open', unknown: 'refuse', accounts: [{ user: 'alice', password: 'secret' }] },
})

describe('log-on names of a listed directory', () => {
  test.each([
    ['alice', 'alice'],
    ['ALICE', 'alice'],
    ['alice@lab.test', 'alice'],
    ['alice@LAB.TEST', 'alice'],
    ['LAB\\alice', 'alice'],
    ['LAB\\alice\\alice', 'alice'],
    ['LAB\\alice\\alice@lab.test', 'alice'],
    ['robert@other.test', 'bob'],
    ['carol@lab.test', 'carol@lab.test'],
  ])('%s names %s', (name, user) => {
    expect(listed.find(name)?.user).toBe(user)
  })

  test.each(['', 'nobody', 'alice@elsewhere.test', 'LAB\\alice\\bob', 'LAB\\', 'alice\0', '\\', 'a'.repeat(300)])(
    '%j names no account',
    (name) => {
      expect(listed.find(name)).toBeUndefined()
    },
  )

  test('accepts only the right password', async () => {
    expect((await listed.authenticate('LAB\\bob', 'geheim'))?.user).toBe('bob')
    expect((await listed.authenticate('carol@lab.test', 'três'))?.user).toBe('carol@lab.test')
    for (const wrong of ['', 'Geheim', 'geheim ', 'geheimgeheim']) {
      expect(await listed.authenticate('bob', wrong)).toBeUndefined()
    }
    expect(await listed.authenticate('nobody', '')).toBeUndefined()
  })
})

describe('an open directory', () => {
  test('knows no password in clear text, not even that of a listed account', async () => {
    expect((await open.authenticate('alice', 'anything'))?.password).toBeUndefined()
  })

  test('keeps an account only once it is added, under the name that was added first', async () => {
    const before = open.accounts().length
    const found = open.find('Gina')
    expect(open.findByAddress('gina@lab.test')?.user).toBe('gina')
    expect(open.find('LAB\\gina\\gina@lab.test')?.user).toBe('gina')
    expect(open.find('LAB\\gina\\other')).toBeUndefined()
    expect(open.accounts()).toHaveLength(before)
    if (found) expect(await open.add(found)).toEqual({ account: found, isNew: true })
    expect(await open.add({ user: 'GINA', addresses: [] })).toEqual({ account: found, isNew: false })
    expect(open.findByAddress('gina@lab.test')).toBe(found)
    if (found) await open.remove(found)
    expect(open.accounts()).toHaveLength(before)
  })
})
