import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/start-lab.ts'
import { newFolder } from '../../../support/folder.ts'
import { needs } from '../../../support/programs.ts'
import { isThorough } from '../../../support/thorough.ts'
import { serveAll } from './serve.mjs'

const run = promisify(execFile)
const here = import.meta.dirname
const root = join(here, '../../../..')

interface Row {
  readonly title: string
  /** Arguments of `openssl genpkey`. */
  readonly key: readonly string[]
  readonly signature?: 'md5' | 'sha1'
  readonly extension?: string
}

const rsa = (bits: number): string[] => ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`]
const ec = (curve: string): string[] => ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`]
const plain = (algorithm: string): string[] => ['-algorithm', algorithm]
const curves = ['P-256', 'P-384', 'P-521', 'secp224r1', 'prime192v1', 'secp256k1', 'brainpoolP256r1', 'sect283k1']

const rows: readonly Row[] = [
  ...[512, 768, 1024, 2048].map((bits) => ({ title: `RSA ${bits}`, key: rsa(bits) })),
  { title: 'RSA-PSS 2048', key: ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'] },
  ...[...curves, 'secp112r1'].map((curve) => ({ title: curve, key: ec(curve) })),
  ...['ED25519', 'ED448', 'X25519'].map((algorithm) => ({ title: algorithm, key: plain(algorithm) })),
  { title: 'DSA 1024', key: [] },
  ...['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87', 'SLH-DSA-SHA2-128f'].map((title) => ({ title, key: plain(title) })),
  { title: 'P-256, signed with SHA-1', key: ec('P-256'), signature: 'sha1' },
  { title: 'P-256, signed with MD5', key: ec('P-256'), signature: 'md5' },
  { title: 'RSA 1024, signed with MD5', key: rsa(1024), signature: 'md5' },
  { title: 'P-256, unknown critical extension', key: ec('P-256'), extension: '1.2.3.4=critical,ASN1:NULL' },
]

const nameOf = ({ title }: Row): string => title.replaceAll(/[^\w-]+/g, '-')

let folder: string
beforeAll(async () => {
  folder = newFolder()
  const openssl = (...args: readonly string[]) => run('openssl', args, { cwd: folder })
  await openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=Matrix CA',
  )
  for (const row of rows) {
    const name = nameOf(row)
    const key = `${name}.key`
    if (row.key.length > 0) await openssl('genpkey', ...row.key, '-out', key)
    else writeFileSync(join(folder, key), readFileSync(join(here, 'dsa-1024.key')))
    await openssl('pkey', '-in', key, '-pubout', '-out', `${name}.pub`)
    const extensions = ['subjectAltName=DNS:localhost', 'basicConstraints=critical,CA:FALSE', row.extension ?? '']
    writeFileSync(join(folder, `${name}.ext`), extensions.join('\n'))
    const issuer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', `-${row.signature ?? 'sha256'}`, '-days', '30']
    const content = ['-subj', '/CN=localhost', '-force_pubkey', `${name}.pub`, '-extfile', `${name}.ext`]
    await openssl('x509', '-new', ...content, ...issuer, '-out', `${name}.pem`)
  }
}, 120_000)

interface Found {
  readonly name: string
  readonly served: string
  readonly words: readonly string[]
}

/** Returns the results of all rows with a version of Node.js. */
async function withNode(version: number): Promise<readonly Found[]> {
  const args = ['--yes', '--package', `node@${version}`, '--', 'node', join(here, 'serve.mjs')]
  const library = join(root, 'dist/src/testing/index.js')
  const { stdout } = await run('npx', [...args, library, folder, ...rows.map(nameOf)], { cwd: folder })
  return JSON.parse(stdout)
}

/** Returns a message without what differs from lab to lab. */
const withoutNames = (words: string): string =>
  words
    .replace(/^.*?the certificate "[^"]*" /, '')
    .replace(/^"[^"]*" /, 'the server ')
    .replace(/OpenSSL \d+\.\d+\.\d+/g, 'OpenSSL …')
    .replace(/this is Node.js [\d.]+\d/g, 'this is Node.js …')
    .replace(/^Node.js [\d.]+\d/, 'Node.js …')

it.skipIf(!isThorough || !needs('openssl', 'npx'))(
  'every kind of key and signature is served or rejected with words, on Node.js 20, 24 and 26, as the page says',
  async () => {
    const versions = [20, 24, 26]
    const found: (readonly Found[])[] = []
    for (const version of versions) found.push(await withNode(version))
    const table = rows.map((row, at) => {
      const cells = found.map((each) => each[at]?.served ?? '')
      const words = [...new Set(found.flatMap((each) => (each[at]?.words ?? []).map(withoutNames)))]
      return `| ${[row.title, ...cells, words.join('; ') || '–'].join(' | ')} |`
    })
    const page = readFileSync(join(root, 'docs/certificates.md'), 'utf8')
    const written = /\| key and signature \|.*\n\|[-|]+\n((?:\|.*\n)*)/.exec(page)?.[1]?.trim().split('\n')
    expect(table).toEqual(written)
    // No cell is silent.
    expect(found.flat().filter(({ served }) => served === 'to nobody')).toEqual([])
  },
  600_000,
)

it.skipIf(!needs('openssl'))('pairs of weak keys and signatures are served or rejected with words', async () => {
  const titles = ['RSA 512', 'RSA 1024, signed with MD5', 'secp224r1', 'DSA 1024', 'P-256, unknown critical extension']
  const chosen = rows.filter(({ title }) => titles.includes(title))
  const found: readonly Found[] = await serveAll(startLab, folder, chosen.map(nameOf))
  expect(found.map(({ served }) => served)).toEqual([
    'TLS 1.2',
    'TLS 1.2',
    'rejected',
    'TLS 1.2, TLS 1.3',
    'TLS 1.2, TLS 1.3',
  ])
  for (const { words } of found) expect(words.join()).toMatch(/refuse|cannot serve this certificate/)
})
