import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { needs } from '../support/programs.ts'
import { withoutRootRights } from '../support/root-rights.ts'
import { mainFile } from '../support/sealpost.ts'
import { run } from '../tls/pki/support.ts'
import { CertificateLab, pop3, smtp } from './cert-support.ts'

let pki: CertificateLab

const utf16 = (text: string, mark: boolean): Buffer => Buffer.from(`${mark ? '\ufeff' : ''}${text}`, 'utf16le')

beforeAll(async () => {
  pki = new CertificateLab()
  await pki.request(smtp)
  await pki.done('ca', 'sign', 'certreq.txt', '--out', 'good.pem')
  await pki.openssl('x509', '-in', 'good.pem', '-outform', 'DER', '-out', 'good.der')
  await pki.openssl('x509', '-in', 'good.pem', '-noout', '-pubkey', '-out', 'public.pem')
  await pki.openssl('req', '-in', 'certreq.txt', '-outform', 'DER', '-out', 'request.der')
  await pki.openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'key.pem')
  await pki.openssl('pkey', '-in', 'key.pem', '-outform', 'DER', '-out', 'key.der')
  await pki.openssl('pkey', '-in', 'key.pem', '-outform', 'DER', '-traditional', '-out', 'sec1.der')
  const outside = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'own.key', '-subj', '/CN=localhost']
  await pki.openssl('req', '-x509', ...outside, '-out', 'own.pem')
  const pfx = ['pkcs12', '-export', '-inkey', 'own.key', '-in', 'own.pem', '-passout', 'pass:x']
  await pki.openssl(...pfx, '-out', 'own.pfx')
  await pki.done('ca', 'crl', '--out', 'crl.pem')
  await pki.done('ca', 'crl', '--format', 'der', '--out', 'crl.der')
  const octets = (name: string): Buffer => execFileSync('cat', [pki.path(name)])
  const files: Record<string, string | Buffer> = {
    'page.cer': '<!DOCTYPE html>\n<html><body>Please log on</body></html>',
    'README.md': '# A page of text\n\nNothing to import.\n',
    'empty.cer': '\n',
    'cut.pem': octets('good.pem').subarray(0, 300),
    'cut.der': octets('good.der').subarray(0, 200),
    'cut.pfx': octets('own.pfx').subarray(0, 400),
    'marked.pem': utf16(pki.text('good.pem'), true),
    'unmarked.pem': utf16(pki.text('good.pem'), false),
    'damaged.pem': pki.text('good.pem').replace(/\n[A-Za-z0-9+/]{64}\n/, `\n${'A'.repeat(64)}\n`),
    'keystore.jks': Buffer.from('feedfeed00000002', 'hex'),
    'folder.zip': Buffer.from('504b0304140000000000', 'hex'),
    'random.bin': Buffer.from('8f00017fa9e3c7d1000102', 'hex'),
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(pki.path(name), content)
})

const neither = 'neither a certificate (DER, PEM) nor a PKCS#7 file: it '
const notImportable = 'not a PKCS#12 file (.pfx, .p12), nor PEM with a certificate and its private key: it '

describe('a file of the wrong kind is named, with what it looks like and what to do', () => {
  it.each([
    ['page.cer', 'looks like a page of a web site (HTML)', 'download the file itself'],
    ['README.md', 'looks like plain text', 'name the right file'],
    ['empty.cer', 'is empty', 'copy or download it again'],
    ['cut.pem', 'is cut off', 'to its end'],
    ['cut.der', 'is cut off', 'to its end'],
    ['certreq.txt', 'looks like a certificate request', 'send it to the authority'],
    ['request.der', 'looks like a certificate request', 'send it to the authority'],
    ['key.pem', 'looks like a private key', 'keep it secret'],
    ['key.der', 'looks like a private key', 'keep it secret'],
    ['sec1.der', 'looks like a private key', 'keep it secret'],
    ['own.pfx', 'looks like a PKCS#12 file', 'sealpost cert import FILE'],
    ['marked.pem', 'is UTF-16 text', 'iconv'],
    ['unmarked.pem', 'is UTF-16 text', 'iconv'],
    ['crl.pem', 'looks like a revocation list', 'ca add-trusted'],
    ['crl.der', 'looks like a revocation list', 'ca add-trusted'],
    ['public.pem', 'looks like a public key', 'name the right file'],
    ['damaged.pem', 'looks like a certificate', 'it may be damaged'],
    ['keystore.jks', 'looks like a Java keystore', 'keytool -importkeystore'],
    ['folder.zip', 'looks like an archive', 'unpack it'],
    ['random.bin', 'is of an unknown kind, or damaged', 'name the right file'],
  ])('cert install %s', async (file, looks, cure) => {
    const refused = await pki.refused('cert', 'install', file)
    expect(refused).toContain(`${file}: ${neither}${looks}`)
    expect(refused).toContain(cure)
  })

  it.each([
    ['page.cer', `${notImportable}looks like a page of a web site`],
    ['README.md', `${notImportable}looks like plain text`],
    ['empty.cer', `${notImportable}is empty`],
    ['cut.pfx', `${notImportable}is cut off`],
    ['certreq.txt', `${notImportable}looks like a certificate request`],
    ['good.der', `${notImportable}looks like a certificate; name the file of its private key with --key`],
    ['key.der', `${notImportable}looks like a private key; name the certificate`],
    ['own.pfx', 'the file is encrypted; give its password'],
    ['good.pem', 'the file contains no private key: name its file with --key'],
  ])('cert import %s', async (file, says) => {
    expect(await pki.refused('cert', 'import', file)).toContain(`${file}: ${says}`)
  })

  it.each([
    [['cert', 'import', 'own.pem', '--key', 'own.pfx'], 'own.pfx: not a private key in PEM: it looks like a PKCS#12'],
    [['cert', 'import', 'own.pem', '--key', 'page.cer'], 'page.cer: not a private key in PEM: it looks like a page'],
    [
      ['ca', 'sign', 'key.pem'],
      'key.pem: not a certificate request (PKCS#10 in DER or PEM): it looks like a private key',
    ],
    [['ca', 'sign', 'good.der'], 'good.der: not a certificate request (PKCS#10 in DER or PEM): it looks like a cert'],
    [
      ['ca', 'submit', 'README.md'],
      'README.md: not a certificate request (PKCS#10 in DER or PEM): it looks like plain',
    ],
    [['ca', 'install', 'certreq.txt'], `certreq.txt: ${neither}looks like a certificate request`],
    [
      ['ca', 'add-trusted', 'page.cer'],
      'page.cer: neither certificates (DER, PEM, PKCS#7) nor a revocation list: it lo',
    ],
  ])('%j', async (args, says) => {
    expect(await pki.refused(...args)).toContain(says)
  })

  it('verify --ca, and a configuration in UTF-16', async () => {
    const verify = await pki.run(['verify', '127.0.0.1', '--protocol', 'smtp', '--ca', 'certreq.txt'])
    expect(verify).toMatchObject({ status: 2, stderr: expect.stringContaining(`certreq.txt: ${neither}`) })
    writeFileSync(pki.path('wide.yaml'), utf16(pki.text('lab.yaml'), true))
    expect(await pki.run(['check', '--config', 'wide.yaml'])).toMatchObject({
      status: 2,
      stderr: 'wide.yaml: is UTF-16; save it as UTF-8\n',
    })
  })
})

describe('a file that is too large is not read', () => {
  beforeAll(() => {
    writeFileSync(pki.path('huge'), '')
    truncateSync(pki.path('huge'), 2 ** 40)
  })

  it.each([
    ['cert', 'install', 'huge'],
    ['cert', 'import', 'huge'],
    ['cert', 'import', 'good.pem', '--key', 'huge'],
    ['cert', 'import', 'good.pem', '--password-file', 'huge'],
    ['ca', 'sign', 'huge'],
    ['ca', 'install', 'huge'],
    ['ca', 'add-trusted', 'huge'],
    ['cert', 'install', '/dev/zero'],
  ])('%s %s %s', async (...args) => {
    expect(await pki.refused(...args)).toMatch(/(huge|zero) cannot be read: it is larger than 16 MiB; check that it is/)
  })

  it('a configuration, and standard input', async () => {
    expect(await pki.run(['check', '--config', 'huge'])).toMatchObject({
      status: 2,
      stderr: 'huge cannot be read: it is larger than 16 MiB; check that it is the right file\n',
    })
    const piped = `'${process.execPath}' '${mainFile}' cert install - --config lab.yaml < /dev/zero`
    const { code, err } = await run('sh', ['-c', piped], undefined, pki.folder)
    expect([code, err]).toEqual([1, expect.stringContaining('standard input cannot be read: it is larger than 16 MiB')])
  })
})

describe('errors of the file system become sentences', () => {
  const sentences: [readonly string[], string][] = [
    [['cert', 'install', 'nothing.cer'], 'nothing.cer cannot be read: no such file or folder; check the path'],
    [['cert', 'install', 'certs'], 'certs cannot be read: it is a folder; name a file'],
    [['cert', 'install', 'good.pem/x'], 'good.pem/x cannot be read: a part of the path is a file and not a folder'],
    [['cert', 'install', 'x'.repeat(300)], 'cannot be read: the name is too long; choose a shorter one'],
    [['cert', 'install', 'loop'], 'loop cannot be read: its symbolic links form a circle'],
    [['ca', 'export', '--out', 'certs'], 'certs cannot be written: it is a folder; name a file'],
    [['ca', 'export', '--out', 'no/x.pem'], 'no/x.pem cannot be written: its folder does not exist; create the folder'],
    [['ca', 'export', '--out', 'good.pem/x'], 'good.pem/x cannot be written: a part of the path is a file'],
    [['ca', 'export', '--out', '/dev/full'], '/dev/full cannot be written: the disk is full; free some space'],
    [['cert', 'request', '--for', pop3, '--out', 'no/x'], 'no/x cannot be written: its folder does not exist'],
  ]
  it.each(sentences)('%j', async (args, says) => {
    execFileSync('ln', ['-sfn', 'loop', pki.path('loop')])
    const refused = await pki.refused(...args)
    expect(refused).toContain(says)
    expect(refused).not.toMatch(/\bE[A-Z]{4,}\b/)
  })

  it('on standard output', async () => {
    const full = `'${process.execPath}' '${mainFile}' cert list --config lab.yaml > /dev/full`
    const { code, err } = await run('sh', ['-c', full], undefined, pki.folder)
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^sealpost: standard output cannot be written: the disk is full/),
    ])
  })

  it('for a store that another user owns', async () => {
    // Only root can give a file away.
    const [setpriv, ...options] = withoutRootRights
    if (setpriv === undefined || !needs(setpriv)) return
    const certs = pki.path('certs')
    for (const name of ['', ...readdirSync(certs, { recursive: true, encoding: 'utf8' })])
      chownSync(join(certs, name), 65_534, 65_534)
    const args = [...options, process.execPath, mainFile, 'cert', 'list', '--config', 'lab.yaml']
    const { code, err } = await run(setpriv, args, undefined, pki.folder)
    expect(code).toBe(1)
    expect(err).toMatch(/certs.* cannot be (read|created): permission denied; run the command as the owner/)
    expect(err).not.toContain('EACCES')
  })
})

/** Mounts a small file system in memory. Only root can, and not in every container. */
function mounted(options: string): string | undefined {
  const folder = pki.path(`disk-${options}`)
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'sealpost-test', folder], { stdio: 'ignore' })
    return folder
  } catch {
    console.warn('skipped, this process cannot mount a file system')
    return undefined
  }
}

/** Fills a disk to its last octet. */
const fill = (folder: string, name: string): unknown =>
  execFileSync('sh', ['-c', `dd if=/dev/zero of='${join(folder, name)}' bs=512 2>/dev/null || true`])

describe('a disk without room', () => {
  it('lets people delete certificates and authorities and remove assignments, and nothing else', async () => {
    const folder = mounted('size=1m')
    if (folder === undefined) return
    try {
      pki.write('full.yaml', pki.text('lab.yaml').replace('store: certs', `store: ${folder}/certs`))
      const full = async (...args: readonly string[]) => pki.run([...args, '--config', 'full.yaml'])
      const done = async (...args: readonly string[]): Promise<string> => {
        const { status, stdout, stderr } = await full(...args)
        expect(status, `${args.join(' ')}: ${stderr}`).toBe(0)
        return stdout
      }
      for (const name of ['one', 'two', 'three']) await done('cert', 'issue', '--for', smtp, '--name', name)
      await done('ca', 'create', 'root', 'Second')
      fill(folder, 'filler')
      const files = () => execFileSync('find', [folder, '-type', 'f']).toString().split('\n').sort()
      const before = files()
      for (const args of [
        ['cert', 'issue', '--for', pop3],
        ['ca', 'create', 'root', 'Third'],
        ['cert', 'renew', 'three'],
      ]) {
        const { status, stderr } = await full(...args)
        expect([status, stderr]).toEqual([
          1,
          expect.stringMatching(/certs\/.* cannot be written: the disk is full; free some/),
        ])
      }
      expect(files()).toEqual(before)
      expect((await full('ca', 'export', '--out', join(folder, 'root.pem'))).status).toBe(1)
      expect(files()).toEqual(before)
      expect(await done('cert', 'delete', 'one')).toContain('"one" is deleted')
      // Other programs use the room that the deletion made.
      fill(folder, 'more')
      expect(await done('cert', 'unassign', '--for', smtp)).toContain('now uses a certificate that the lab issues')
      fill(folder, 'most')
      expect(await done('ca', 'delete', 'Second')).toContain('"Second" is deleted')
      for (const name of ['two', 'three']) await done('cert', 'delete', name)
      execFileSync('sh', ['-c', `rm '${folder}'/filler '${folder}'/more '${folder}'/most`])
      await done('cert', 'issue', '--for', smtp, '--name', 'four')
    } finally {
      execFileSync('umount', ['--lazy', folder])
    }
  })

  it('that is read-only says so', async () => {
    const folder = mounted('size=2m')
    if (folder === undefined) return
    try {
      pki.write('fixed.yaml', pki.text('lab.yaml').replace('store: certs', `store: ${folder}/certs`))
      const fixed = async (...args: readonly string[]) => pki.run([...args, '--config', 'fixed.yaml'])
      expect((await fixed('cert', 'issue', '--for', smtp, '--name', 'one')).status).toBe(0)
      execFileSync('mount', ['-o', 'remount,ro', folder])
      expect((await fixed('cert', 'list')).stdout).toContain('one')
      const { status, stderr } = await fixed('cert', 'unassign', '--for', smtp)
      expect(status).toBe(1)
      expect(stderr).toMatch(/certs cannot be written: the file system is read-only; choose another place/)
      const out = await fixed('ca', 'export', '--out', join(folder, 'root.pem'))
      expect(out.stderr).toContain('root.pem cannot be written: the file system is read-only')
    } finally {
      execFileSync('umount', ['--lazy', folder])
    }
  })
})
