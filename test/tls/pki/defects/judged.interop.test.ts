import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DefectName, defectNames, type VariantName, variantNames } from '../../../../src/core/config/schema.ts'
import { startLab, type TestLab } from '../../../../src/testing/index.ts'
import { openCertificateStore } from '../../../../src/tls/pki/certificate-store/store.ts'
import type { CertificateStore } from '../../../../src/tls/pki/certificate-store/types.ts'
import type { RecipeChoice } from '../../../../src/tls/pki/defects/recipe-certificates.ts'
import type { InstalledCertificate } from '../../../../src/tls/pki/types.ts'
import { newFolder } from '../../../support/folder.ts'
import { needs } from '../../../support/programs.ts'
import { type ProgramResult, runProgram as run } from '../../../support/run-program.ts'

const HOST = 'mail.lab.test'
const NAMES = [HOST, 'localhost', '127.0.0.1', '::1']

type Name = DefectName | VariantName
const all: readonly { readonly name: Name; readonly choice: RecipeChoice }[] = [
  ...defectNames.map((name) => ({ name, choice: { kind: 'defect', defect: name } as const })),
  ...variantNames.map((name) => ({ name, choice: { kind: 'variant', variant: name } as const })),
]
const choices = new Map(all.map(({ name, choice }) => [name, choice]))
const quiet = { info() {}, warn() {}, error() {} }

/** The verification error that OpenSSL reports for each defect (`openssl verify(1)`); 0 if it reports none. */
const verdicts: Readonly<Record<Name, number>> = {
  expired: 10,
  'not-yet-valid': 9,
  'wrong-host': 62,
  'self-signed': 18,
  'untrusted-root': 19,
  'incomplete-chain': 20,
  'reversed-chain': 0,
  revoked: 23,
  'no-san': 0,
  'no-subject': 0,
  'weak-key': 66,
  'weak-key-512': 66,
  'sha1-signature': 68,
  'md5-signature': 68,
  'wrong-purpose': 26,
  'ca-as-leaf': 0,
  'name-constraint-violated': 47,
  'thousand-sans': 0,
  'rsa-8192': 0,
  'ip-only': 62,
  wildcard: 0,
  'must-staple-without-staple': 0,
  rsa: 0,
  p256: 0,
  p384: 0,
  ed25519: 0,
  'one-intermediate': 0,
  'two-intermediates': 0,
}

/** OpenSSL's output about certificates that it reports no error for. */
const traits: Partial<Record<Name, { readonly has?: RegExp; readonly lacks?: RegExp }>> = {
  'no-san': { has: /Subject: CN ?= ?mail\.lab\.test/, lacks: /Subject Alternative Name/ },
  'no-subject': { has: /Subject: *\n[^]*Subject Alternative Name: critical/ },
  'ca-as-leaf': { has: /CA:TRUE/ },
  'thousand-sans': { has: /(DNS:[^,]*, ?(IP Address:[^,]*, ?)*){990}/ },
  'rsa-8192': { has: /Public-Key: \(8192 bit\)/ },
  wildcard: { has: /DNS:\*\.lab\.test\n/ },
  'must-staple-without-staple': { has: /TLS Feature: *\n *status_request/ },
  rsa: { has: /rsaEncryption[^]*\(2048 bit\)/ },
  p256: { has: /prime256v1/ },
  p384: { has: /secp384r1/ },
  ed25519: { has: /Public Key Algorithm: ED25519/i },
}

describe.runIf(needs('openssl'))('each defect and variant, judged by OpenSSL', () => {
  const folder = newFolder()
  const file = (name: string): string => join(folder, name)
  let store: CertificateStore

  beforeAll(async () => {
    store = await openCertificateStore({
      folder: 'memory',
      clock: { now: () => Date.now() },
      log: quiet,
      key: 'rsa-2048',
    })
    writeFileSync(file('root.pem'), store.rootPem)
  })
  afterAll(() => store.close())

  const made = async (name: Name): Promise<InstalledCertificate> => {
    const [certificate] = await store.resolve('any', choices.get(name) ?? { kind: 'none' }, NAMES)
    if (!certificate) throw new Error('no certificate')
    writeFileSync(file(`${name}.pem`), certificate.certificatePem)
    writeFileSync(file(`${name}.chain.pem`), certificate.chainPem.join('\n'))
    return certificate
  }

  const verify = (
    name: Name,
    { chainPem }: InstalledCertificate,
    more: readonly string[] = [],
  ): Promise<ProgramResult> =>
    run('openssl', [
      'verify',
      ...['-CAfile', file('root.pem'), '-purpose', 'sslserver', '-verify_hostname', HOST, '-auth_level', '2'],
      ...(chainPem.length === 0 ? [] : ['-untrusted', file(`${name}.chain.pem`)]),
      ...more,
      file(`${name}.pem`),
    ])
  const codes = ({ stdout, stderr }: ProgramResult): number[] =>
    [...`${stdout}${stderr}`.matchAll(/^error (\d+) at/gm)].map(([, code]) => Number(code))

  it.each(all)('$name has that defect and no other', { timeout: 120_000 }, async ({ name }) => {
    const certificate = await made(name)
    const lists: string[] = []
    if (name === 'revoked') {
      const authority = store.index.authorities.find((one) => one.crl)
      writeFileSync(file('crl.pem'), await store.read(authority?.crl ?? ''))
      expect(codes(await verify(name, certificate))).toEqual([])
      lists.push('-crl_check', '-CRLfile', file('crl.pem'))
    }
    const found = await verify(name, certificate, lists)
    const verdict = verdicts[name]
    // A weak signature is reported for every certificate that it affects.
    expect([...new Set(codes(found))], found.stderr).toEqual(verdict === 0 ? [] : [verdict])
    expect(found.status).toBe(verdict === 0 ? 0 : 2)
    const text = (await run('openssl', ['x509', '-in', file(`${name}.pem`), '-noout', '-text'])).stdout
    const { has, lacks } = traits[name] ?? {}
    if (has) expect(text).toMatch(has)
    if (lacks) expect(text).not.toMatch(lacks)
  })

  it('sends the chains that the names promise', async () => {
    const links = async (name: Name): Promise<number> => (await made(name)).chainPem.length
    expect(await links('p256')).toBe(0)
    expect(await links('one-intermediate')).toBe(1)
    expect(await links('two-intermediates')).toBe(2)
    expect(await links('incomplete-chain')).toBe(0)
    expect(await links('untrusted-root')).toBe(1)
    const [first, second] = (await made('reversed-chain')).chainPem
    writeFileSync(file('upper.pem'), first ?? '')
    writeFileSync(file('lower.pem'), second ?? '')
    const issued = await run('openssl', [
      ...['verify', '-partial_chain', '-trusted', file('lower.pem')],
      file('reversed-chain.pem'),
    ])
    expect(issued.status).toBe(0)
    const upper = await run('openssl', ['verify', '-CAfile', file('root.pem'), file('upper.pem')])
    expect(upper.status).toBe(0)
  })
})

describe.runIf(needs('openssl'))('each defect and variant, served by a lab', () => {
  let lab: TestLab
  const folder = newFolder()
  beforeAll(async () => {
    lab = await startLab({ hostname: HOST })
    writeFileSync(join(folder, 'root.pem'), lab.ca)
  })
  afterAll(() => lab.stop())

  it.each(all)('s_client reports $name', { timeout: 120_000 }, async ({ name, choice }) => {
    await lab.useCertificate(
      choice.kind === 'defect' ? { defect: choice.defect } : { variant: choice.variant },
      'imap4',
    )
    const { stdout, stderr } = await run('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${lab.server('imap4').tlsPort}`, '-servername', HOST],
      ...['-CAfile', join(folder, 'root.pem'), '-verify_hostname', HOST, '-cipher', 'DEFAULT@SECLEVEL=0'],
    ])
    // At level 0 and without CRLs, weakness and revocation are not errors; names, dates and chains are. Of the errors about
    // a missing issuer, s_client reports the last one: 21.
    const lenient = { 20: 21, 23: 0, 66: 0, 68: 0 }[verdicts[name]] ?? verdicts[name]
    expect(stdout, stderr).toContain(`Verification${lenient === 0 ? ': OK' : ' error'}`)
    expect(stdout).toMatch(new RegExp(`Verify return code: ${lenient} `))
    const version = name === 'weak-key-512' ? 'TLSv1.2' : 'TLSv1.3'
    expect(stdout).toContain(version)
  })
})
