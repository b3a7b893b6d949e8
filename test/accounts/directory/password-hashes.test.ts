import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseHash } from '../../../src/core/config/accounts/password-hash.ts'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'

/** Hashes of `geheim`, made by htpasswd, openssl, mkpasswd, doveadm, and Python's argon2 and passlib. */
const hashes = {
  sha512crypt:
    '$6$bNzWT0j8rbctEkph$0n/7vf8.AjCheuFer.nRtPBIWB51JD2r46ax1gRBG5guBIrCnv5g2sNpnjl.Po2pPURLO.d0l/rieWfxGHJuQ1',
  rounds:
    '$6$rounds=1000$hgdAG3GT8DvuyuYy$d8cpTcaEqSv7idwJq5kxeZdfhtizhDnMPw.eJbIYjqReBdd09CbA72KB851syAzvtc5mqOc2mWwBmfIeIUAwg.',
  sha256crypt: '$5$WO9eJTcHTMv7A3oW$jiH8x7Oq6skEHzp6ySwl1Mgo7L4I73M6CftYO0aeHY4',
  md5crypt: '$1$udbOL7U8$ajEhOEGzkkAFbbeDSeazM.',
  apr1: '$apr1$fG5uvszQ$G7638RNDoBxfIWe14SMR2.',
  bcrypt: '$2b$05$v4WPq48dq39G7Qcy4GmuJeuxuuXv4QC/WeI5SJZndQXw1GtahhHvC',
  apache: '$2y$05$.UWqSeE1uPSbScotsHZieuoPa891lQK1vrUpNi8jb6gy9e3.Nf4Qe',
  argon2id: '$argon2id$v=19$m=1024,t=2,p=2$4chqKItRS3sVe43IUWXlnw$yRauThlCpqFKhWvJS1uwgg',
  argon2i: '{ARGON2I}$argon2i$v=19$m=64,t=1,p=1$WhIYWibTY/VwQ0q42ISvKA$mh1UrFcgWPhgM7AcCA5rcw',
  blf: '{BLF-CRYPT}$2y$05$ihIUnNbOISM00JF.M/dsGO0TgWrLDj27UA1JYQQivAcIJGFVHND1u',
  crypt: '{CRYPT}$2y$05$vIVcy.jaJ94I2LZANS34Belz9pCuYNerjB0NLH4oBeVrrkw2.rdHe',
  md5: '{MD5}$1$LRhM8n74$Mgnov0jKbNbV831gRrTrc0',
  ssha: '{SSHA}ap6mUANsMw4fjMovLtR4ewY2EJ8Wx1PA',
  ssha256: '{SSHA256}UZrt9+4J3drQ7SP3CJzEj4rKJw57IscrD2sigUuarjLwtXRC',
  ssha512: '{ssha512}5hRaqXCMn7Oo4HUkbxzP6clpea1Jv5TKzYl4Pad8eTVPXf/YSqIgpxOqlHjebsw+vxiC3+sPtWACfSzokg2j8g5MT/I=',
  smd5: '{SMD5}fsnXYQOe19Obk2hkcCXUDNx8Htg=',
  sha: '{SHA}kGByAB793z4R5tK1eC9Hd/4Dhzk=',
  shahex: '{SHA.HEX}906072001efddf3e11e6d2b5782f4777fe038739',
  sha1hex: '{SHA1}906072001efddf3e11e6d2b5782f4777fe038739',
  sha256: '{SHA256}rdsPXngmyFfXN20b2bwzwMVEeQourJYUSoryKxKYyUA=',
  sha512: '{SHA512}jYR+AdIrqpafcfo2K03iHJ4Tx4grzqE7pcaorg1x/IyXAMguAIemXIs3vSn1NnR/KMlnK+wcrndi0snza2AT8g==',
  ldapmd5: '{LDAP-MD5}6GNuoBPmgvr2H1bOHLGrXA==',
  plainmd5: '{PLAIN-MD5}e8636ea013e682faf61f56ce1cb1ab5c',
  pbkdf2: '{PBKDF2}$1$nc6cIQVZky34BH36$5000$d3587ae2a018648f59eeba4fa2af9692b45ab29a',
  scram1: '{SCRAM-SHA-1}4096,Wi5e/UTW+A0xtKUTw2bf4A==,GOdv5M84ikg5s0WS+po6bQyn/rs=,36A7NuKS9LKKngyHv17GUcFW5Zk=',
  scram256:
    '{SCRAM-SHA-256}4096,MM6IOquz7hAdSpzo5fsAkw==,kUXFe0LdmUBGUg6CsdynDvBwFLzvmp8Zi+//ITTHBNw=,rWrqgFPju0b7CGmzkrEfHWLxgr6jOTTPGwgKXfRrqZc=',
}

/** Hashes of other passwords. */
const others = {
  // 80 times a: bcrypt knows the first 72.
  long: '$2b$04$rFmt44uQEeru30Xso3D/qedjalRzF0z4vf.MIeZGosOtyKe7ywCSm',
  accent: '$2a$04$2FayFVHJRuGtEusASPTK5e/yRi/boOWQabLRr/8tTraUGsL3Mfk5a', // sécret
  empty: '{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=',
}

let lab: TestLab
beforeAll(async () => {
  const accounts = Object.entries({ ...hashes, ...others }).map(([user, passwordHash]) => ({ user, passwordHash }))
  lab = await startLab({ directory: { accounts }, virtualServers: [{ protocol: 'imap4' }, { protocol: 'pop3' }] })
})
afterAll(() => lab.stop())

/** Logs on by IMAP4, with literals, so that every octet is sent as it is. Returns whether the answer is OK. */
async function logsOn(user: string, password: string): Promise<boolean> {
  const client = await LineClient.open(lab.server('imap4').port as number)
  const octets = Buffer.from(password)
  await client.line()
  client.send(`a LOGIN ${user} {${octets.length}+}\r\n`)
  client.send(Buffer.concat([octets, Buffer.from('\r\n')]))
  const [answer = ''] = (await client.lines((line) => line.startsWith('a '))).slice(-1)
  client.end()
  return answer.startsWith('a OK')
}

test.each(Object.keys(hashes))('%s: only the right password logs on', async (user) => {
  for (const wrong of ['Geheim', 'geheim ', 'x', hashes[user as keyof typeof hashes]]) {
    expect(await logsOn(user, wrong), wrong).toBe(false)
  }
  expect(await logsOn(user, 'geheim')).toBe(true)
  // The second time, the password is remembered.
  expect(await logsOn(user, 'geheim')).toBe(true)
  expect(await logsOn(user, 'Geheim')).toBe(false)
})

test('unknown users do not log on, whatever account their name chooses', async () => {
  for (let n = 0; n < 20; n++) expect(await logsOn(`nobody${n}`, 'geheim')).toBe(false)
})

test('bcrypt counts the first 72 octets, and a password is UTF-8 in any normal form', async () => {
  expect(await logsOn('long', 'a'.repeat(80))).toBe(true)
  expect(await logsOn('long', 'a'.repeat(72))).toBe(true)
  expect(await logsOn('long', 'a'.repeat(71))).toBe(false)
  expect(await logsOn('accent', 's\u00e9cret')).toBe(true)
  expect(await logsOn('accent', 'se\u0301cret')).toBe(true)
  expect(await logsOn('accent', 'secret')).toBe(false)
})

test('an empty or very long password never logs on', async () => {
  expect(await logsOn('empty', '')).toBe(false)
  for (const user of ['sha512crypt', 'bcrypt', 'argon2id', 'ssha', 'scram256'])
    expect(await logsOn(user, 'a'.repeat(8000)), user).toBe(false)
})

describe('where only hashes are known', () => {
  test('mechanisms that need the password are not offered', async () => {
    using client = await LineClient.open(lab.server('pop3').port as number)
    expect(await client.line()).not.toContain('<')
    client.send('AUTH\r\n')
    expect(await client.lines((line) => line === '.')).toEqual(['+OK mechanisms follow', 'PLAIN', 'LOGIN', '.'])
    client.send('AUTH CRAM-MD5\r\n')
    expect(await client.line()).toMatch(/^-ERR/)
  })
})

test.each([
  ['geheim', /^is no hash; write \{PLAIN\} before a password in clear text$/],
  ['ExYraAP7wB5B2', /^it looks like a hash of DES, which is not supported; make another one/],
  ['$y$j9T$x$y', /^the scheme \$y\$ is not supported; make another one, for example with: openssl passwd -6$/],
  ['$constructor$x', /^the scheme \$constructor\$ is not supported/],
  ['{constructor}x', /^the scheme \{constructor\} is not supported/],
  ['{SHA.XML}x', /^the scheme \{SHA\.XML\} is not supported/],
  [`{${'x'.repeat(1000)}}`, /^the scheme \{x{19}… is not supported/],
  ['{CRAM-MD5}f16f9cd5', /^the scheme \{CRAM-MD5\} is not supported/],
  ['$6$salt$short', /^the SHA-crypt hash is damaged/],
  ['$6$', /^the SHA-crypt hash is damaged/],
  [hashes.sha512crypt.slice(0, -1), /^the SHA-crypt hash is damaged/],
  [hashes.rounds.replace('1000', '999'), /^the hash has fewer than 1000 rounds/],
  [
    hashes.rounds.replace('1000', '999999999'),
    /^each log-on would take too long: rounds 999999999, and the limit is 1000000/,
  ],
  [hashes.rounds.replace('1000', '9999999999'), /^the SHA-crypt hash is damaged/],
  [hashes.bcrypt.replace('$05', '$31'), /^each log-on would take too long: cost 31, and the limit is 14/],
  [hashes.pbkdf2.replace('$5000$', '$0$'), /^the PBKDF2 hash is damaged/],
  [hashes.bcrypt.replace('$05', '$03'), /^the bcrypt hash is damaged/],
  [hashes.bcrypt.slice(0, -1), /^the bcrypt hash is damaged/],
  [hashes.argon2id.replace('m=1024', 'm=4194304'), /^each log-on would take too long: KiB of memory 4194304/],
  [hashes.argon2id.replace('t=2', 't=100000'), /^each log-on would take too long: KiB of memory times passes/],
  [hashes.argon2id.replace('p=2', 'p=200').replace('m=1024', 'm=2048'), /^each log-on would take too long: lanes 200/],
  [hashes.argon2id.replace('p=2', 'p=0'), /^the Argon2 hash is damaged/],
  [hashes.argon2id.replace('m=1024', 'm=8'), /^the Argon2 hash is damaged/],
  [hashes.argon2id.replace('v=19', 'v=16'), /^the Argon2 hash is damaged/],
  [
    '{ARGON2ID}$argon2i$v=19$m=64,t=1,p=1$WhIYWibTY/VwQ0q42ISvKA$mh1UrFcgWPhgM7AcCA5rcw',
    /^the hash does not fit its scheme/,
  ],
  ['{SHA512-CRYPT}geheim', /^the hash does not fit its scheme/],
  ['{SHA}geheim', /^the sha1 hash is damaged/],
  ['{SSHA}kGByAB793z4R5tK1eC9Hd/4Dhzk=', /^the sha1 hash is damaged/],
  [hashes.scram256.replace('4096', '0'), /^the SCRAM-SHA-256 hash is damaged/],
  [hashes.scram256.replace('4096', '99999999'), /^each log-on would take too long: iterations 99999999/],
  [hashes.scram1.replace('SHA-1', 'SHA-256'), /^the SCRAM-SHA-256 hash is damaged/],
  [hashes.pbkdf2.replace('5000', '999999999'), /^each log-on would take too long: rounds 999999999/],
])('%s is a mistake', (text, message) => {
  expect(() => parseHash(text)).toThrow(message)
})

test('hashes of any length and content are read without delay', () => {
  for (const text of [
    '$6$rounds=',
    '$argon2id$v=19$m=',
    '{SSHA}',
    '{SCRAM-SHA-1}1,',
    '$2b$05$',
    '$1$',
    '{PBKDF2}$1$',
    '{',
  ])
    for (const more of ['0', 'a', '$', ',', '/', '{', '}', '=', '\n', 'é'])
      expect(() => parseHash(text + more.repeat(100_000))).toThrow()
})
