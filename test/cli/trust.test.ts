import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { hintsFor } from '../../src/cli/trust/hints.ts'
import { javaStores } from '../../src/cli/trust/java.ts'
import type { Machine, Ran } from '../../src/cli/trust/machine.ts'
import { nssStores } from '../../src/cli/trust/nss.ts'
import { systemStore } from '../../src/cli/trust/system.ts'
import { rootOf, shellLine, type TrustStore } from '../../src/cli/trust/trust-store.ts'
import { CertificateLab } from './cert-support.ts'

const pki = new CertificateLab()
await pki.outsideAuthority("Lab's Root — Ä")
const certificate = new X509Certificate(pki.text("Lab's Root — Ä.pem"))
const thumbprint = certificate.fingerprint.replaceAll(':', '')
const root = rootOf(certificate, (label) => `/certs/roots/${label}.pem`)

interface Fake {
  readonly platform: NodeJS.Platform
  /** Existing paths and their text. */
  readonly files?: Readonly<Record<string, string>>
  readonly programs?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly run?: (line: string) => Ran
}

const nothing: Ran = { status: 1, output: '' }

/** Creates a machine of another kind. */
function machine({ platform, files = {}, programs = [], env = {}, run = () => nothing }: Fake): Machine {
  const paths = Object.keys(files)
  return {
    platform,
    home: '/home/eve',
    env,
    isRoot: false,
    exists: (path) => paths.some((file) => file === path || file.startsWith(`${path}/`)),
    isWritable: () => false,
    list: (folder) => [
      ...new Set(
        paths
          .filter((file) => file.startsWith(`${folder}/`))
          .map((file) => file.slice(folder.length + 1).split('/')[0] ?? ''),
      ),
    ],
    read: (path) => files[path] ?? '',
    real: (path) => path,
    which: (program) => (programs.includes(program) ? `/usr/bin/${program}` : undefined),
    run: async (command) => run(shellLine(command)),
  }
}

const installed = (store: TrustStore | undefined): string[] =>
  store?.install(root).map(({ command, asRoot }) => `${asRoot ? '# ' : ''}${shellLine(command)}`) ?? []
const removed = async (store: TrustStore | undefined): Promise<string[]> =>
  ((await store?.uninstall(root)) ?? []).map(({ command }) => shellLine(command))

describe('the label of a root', () => {
  it('is ASCII, short, and contains the name and the start of the thumbprint', () => {
    expect(root.label).toBe(`sealpost-lab-s-root-${thumbprint.slice(0, 12).toLowerCase()}`)
  })
})

describe('the trust store of the system', () => {
  const { label, file } = root
  const linux = [
    [
      'Fedora, Red Hat',
      '/etc/pki/ca-trust/source/anchors',
      '.pem',
      'update-ca-trust',
      ['update-ca-trust extract', 'update-ca-trust extract'],
    ],
    [
      'openSUSE',
      '/usr/share/pki/trust/anchors',
      '.pem',
      'update-ca-certificates',
      ['update-ca-certificates', 'update-ca-certificates'],
    ],
    [
      'Arch',
      '/etc/ca-certificates/trust-source/anchors',
      '.crt',
      'trust',
      ['trust extract-compat', 'trust extract-compat'],
    ],
    [
      'Debian, Ubuntu, Alpine',
      '/usr/local/share/ca-certificates',
      '.crt',
      'update-ca-certificates',
      ['update-ca-certificates', 'update-ca-certificates --fresh'],
    ],
  ] as const

  it.each(linux)('of %s is a folder and a command', async (title, anchors, ending, program, [update, rebuild]) => {
    const store = systemStore(machine({ platform: 'linux', files: { [`${anchors}/README`]: '' }, programs: [program] }))
    expect(store?.title).toBe(`system (${title})`)
    expect(installed(store)).toEqual([`# install -m 644 ${file} ${anchors}/${label}${ending}`, `# ${update}`])
    expect(await removed(store)).toEqual([`rm -f ${anchors}/${label}${ending}`, rebuild])
  })

  it('of Fedora has a root that its bundle contains', async () => {
    const files = { '/etc/pki/ca-trust/source/anchors/README': '' }
    const bundle = '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem'
    const fedora = { platform: 'linux', programs: ['update-ca-trust'] } as const
    expect(await systemStore(machine({ ...fedora, files }))?.has(root)).toBe(false)
    const filled = { ...files, [bundle]: `# Lab\r\n${certificate.toString().replaceAll('\n', '\r\n')}` }
    expect(await systemStore(machine({ ...fedora, files: filled }))?.has(root)).toBe(true)
  })

  it('of Fedora removes the roots of every lab, and nothing else', async () => {
    const folder = '/etc/pki/ca-trust/source/anchors'
    const files = {
      [`${folder}/company.pem`]: '',
      [`${folder}/sealpost-old-1.pem`]: '',
      [`${folder}/sealpost-old-2.pem`]: '',
    }
    const store = systemStore(machine({ platform: 'linux', files, programs: ['update-ca-trust'] }))
    expect((await store?.uninstallAll?.())?.map(({ command }) => shellLine(command))).toEqual([
      `rm -f ${folder}/sealpost-old-1.pem`,
      `rm -f ${folder}/sealpost-old-2.pem`,
      'update-ca-trust extract',
    ])
  })

  it('of macOS is the system keychain', async () => {
    const keychain = '/Library/Keychains/System.keychain'
    const run = (line: string): Ran =>
      line === `security find-certificate -a -Z ${keychain}`
        ? { status: 0, output: `SHA-256 hash: 00\nSHA-1 hash: ${thumbprint}\nkeychain: "${keychain}"` }
        : nothing
    const store = systemStore(machine({ platform: 'darwin', run }))
    expect(installed(store)).toEqual([`# security add-trusted-cert -d -r trustRoot -k ${keychain} ${file}`])
    expect(await removed(store)).toEqual([`security delete-certificate -t -Z ${thumbprint} ${keychain}`])
    expect(await store?.has(root)).toBe(true)
    expect(await systemStore(machine({ platform: 'darwin' }))?.has(root)).toBe(false)
  })

  it('of Windows is the root store of the user', async () => {
    const run = (line: string): Ran =>
      line === `certutil -user -store Root ${thumbprint}` ? { status: 0, output: 'Root' } : nothing
    const store = systemStore(machine({ platform: 'win32', run }))
    expect(installed(store)).toEqual([`certutil -user -addstore Root ${file}`])
    expect(await removed(store)).toEqual([`certutil -user -delstore Root ${thumbprint}`])
    expect(await store?.has(root)).toBe(true)
  })

  it('is unknown on other systems', () => {
    expect(systemStore(machine({ platform: 'linux' }))).toBeUndefined()
    expect(systemStore(machine({ platform: 'freebsd' }))).toBeUndefined()
  })
})

describe('NSS databases', () => {
  it('are found for each profile of each program', () => {
    const files = {
      '/home/eve/.mozilla/firefox/abc.default/cert9.db': '',
      '/home/eve/.mozilla/firefox/profiles.ini': '',
      '/home/eve/.thunderbird/old.default/cert8.db': '',
      '/home/eve/snap/firefox/common/.mozilla/firefox/snap.default/cert9.db': '',
      '/home/eve/.pki/nssdb/cert9.db': '',
    }
    const stores = nssStores(machine({ platform: 'linux', files, programs: ['certutil'] }))
    expect(stores.map(({ title }) => title)).toEqual([
      'Chromium (nssdb)',
      'Firefox (abc.default)',
      'Firefox (snap.default)',
      'Thunderbird (old.default)',
    ])
    expect(installed(stores[3])).toEqual([
      `certutil -d dbm:/home/eve/.thunderbird/old.default -A -t C,C, -n ${root.label} -i ${root.file}`,
    ])
  })

  it('need certutil, and say how to get it', () => {
    const linux = { platform: 'linux', files: { '/home/eve/.pki/nssdb/cert9.db': '' } } as const
    expect(nssStores(machine(linux))[0]?.missing).toMatch(
      /apt-get install libnss3-tools, on Fedora: dnf install nss-tools/,
    )
    const profile = '/home/eve/Library/Application Support/Firefox/Profiles/a.b/cert9.db'
    const [mac] = nssStores(machine({ platform: 'darwin', files: { [profile]: '' } }))
    expect(mac?.missing).toMatch(/brew install nss/)
    expect(installed(mac)[0]).toContain("-d 'sql:/home/eve/Library/Application Support/Firefox/Profiles/a.b'")
  })

  it('have a root only if they trust it for servers', async () => {
    const has = (flags: string): Promise<boolean> | undefined => {
      const run = (line: string): Ran => ({
        status: 0,
        output: line.endsWith('-a')
          ? certificate.toString()
          : `Certificate Nickname   Trust Attributes\n\n${root.label}   ${flags}`,
      })
      const files = { '/home/eve/.pki/nssdb/cert9.db': '' }
      return nssStores(machine({ platform: 'linux', files, programs: ['certutil'], run }))[0]?.has(root)
    }
    expect(await has('C,C,')).toBe(true)
    expect(await has(',,')).toBe(false)
  })

  it('are not changed on Windows, whose certutil is another program', () => {
    expect(nssStores(machine({ platform: 'win32', programs: ['certutil'] }))).toEqual([])
  })
})

describe('the root store of Java', () => {
  const cacerts = '/opt/jdk/lib/security/cacerts'
  const list = `Your keystore contains 2 entries\n\nother, Nov 1, 2026, trustedCertEntry, \nCertificate fingerprint (SHA-256): ${'00:'.repeat(31)}00\nlab, Nov 1, 2026, trustedCertEntry, \nCertificate fingerprint (SHA-256): ${certificate.fingerprint256}\n`
  const run = (line: string): Ran => (line.includes('-list') ? { status: 0, output: list } : nothing)

  it('is that of JAVA_HOME, and needs the rights of its owner', async () => {
    const files = { [cacerts]: '', '/opt/jdk/bin/keytool': '' }
    const [store] = javaStores(machine({ platform: 'linux', files, env: { JAVA_HOME: '/opt/jdk' }, run }))
    expect(installed(store)).toEqual([
      `# /opt/jdk/bin/keytool -importcert -keystore ${cacerts} -storepass changeit -noprompt -alias ${root.label} -file ${root.file}`,
    ])
    expect(await store?.has(root)).toBe(true)
    expect(await removed(store)).toEqual([
      `/opt/jdk/bin/keytool -delete -keystore ${cacerts} -storepass changeit -alias lab`,
    ])
  })

  it('is that of the java in PATH, also of Java 8', () => {
    const files = { '/usr/jre/lib/security/cacerts': '', '/usr/bin/keytool': '' }
    expect(javaStores(machine({ platform: 'darwin', files, programs: ['java'] }))[0]?.title).toBe('Java (/usr)')
  })

  it('does not exist without Java, and needs a keytool', () => {
    expect(javaStores(machine({ platform: 'linux' }))).toEqual([])
    const [store] = javaStores(machine({ platform: 'linux', files: { [cacerts]: '' }, env: { JAVA_HOME: '/opt/jdk' } }))
    expect(store?.missing).toMatch(/keytool is not in \/opt\/jdk\/bin; install a JDK/)
  })
})

describe('the settings of runtimes with roots of their own', () => {
  const bundles = { lab: '/certs/lab ca.pem', system: '/etc/bundle.crt' }

  it('name the file of the lab for Node.js, and the bundle of the system for Python', async () => {
    const run = (): Ran => ({ status: 0, output: '/usr/lib/certifi/cacert.pem' })
    const hints = await hintsFor(machine({ platform: 'linux', programs: ['python3'], run }), [root], bundles)
    expect(hints).toEqual([
      { program: 'Node.js', trusted: false, setting: "export NODE_EXTRA_CA_CERTS='/certs/lab ca.pem'" },
      { program: 'Python requests', trusted: false, setting: 'export REQUESTS_CA_BUNDLE=/etc/bundle.crt' },
    ])
  })

  it('are made if the named file has the roots', async () => {
    const files = { '/mine.pem': certificate.toString() }
    const env = { NODE_EXTRA_CA_CERTS: '/mine.pem' }
    expect(await hintsFor(machine({ platform: 'linux', files, env }), [root], bundles)).toMatchObject([
      { trusted: true },
    ])
  })

  it('have the form of the Windows shell there', async () => {
    const [node] = await hintsFor(machine({ platform: 'win32' }), [root], { lab: String.raw`C:\certs\lab-ca.pem` })
    expect(node?.setting).toBe(String.raw`set NODE_EXTRA_CA_CERTS=C:\certs\lab-ca.pem`)
  })
})
