import { join } from 'node:path'
import { thumbprintOf } from '../../tls/pki/certificate/certificate.ts'
import type { Machine } from './machine.ts'
import { LABEL_START, pemContains, type Root, type Step, type TrustStore } from './trust-store.ts'

/** How a kind of Linux keeps the roots of its administrator. */
interface LinuxStore {
  readonly title: string
  /** Folder for roots of the administrator. */
  readonly anchors: string
  /** Name ending that the folder requires. */
  readonly ending: string
  /** Command that builds the bundle from the folder. */
  readonly update: readonly string[]
  /** Command that rebuilds the bundle after a root was removed. Default: that of `update`. */
  readonly rebuild?: readonly string[]
  /** The bundle that programs read. */
  readonly bundle: string
}

/** The first whose folder and command exist is used. The order matters: openSUSE has the command of Debian too. */
const linuxStores: readonly LinuxStore[] = [
  {
    title: 'Fedora, Red Hat',
    anchors: '/etc/pki/ca-trust/source/anchors',
    ending: '.pem',
    update: ['update-ca-trust', 'extract'],
    bundle: '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  },
  {
    title: 'openSUSE',
    anchors: '/usr/share/pki/trust/anchors',
    ending: '.pem',
    update: ['update-ca-certificates'],
    bundle: '/var/lib/ca-certificates/ca-bundle.pem',
  },
  {
    title: 'Arch',
    anchors: '/etc/ca-certificates/trust-source/anchors',
    ending: '.crt',
    update: ['trust', 'extract-compat'],
    bundle: '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
  },
  {
    title: 'Debian, Ubuntu, Alpine',
    anchors: '/usr/local/share/ca-certificates',
    ending: '.crt',
    update: ['update-ca-certificates'],
    // Without --fresh, the link in /etc/ssl/certs and the entry of Java stay.
    rebuild: ['update-ca-certificates', '--fresh'],
    bundle: '/etc/ssl/certs/ca-certificates.crt',
  },
]

/** Returns the trust store of the operating system; undefined if it is not known. */
export function systemStore(machine: Machine): TrustStore | undefined {
  if (machine.platform === 'darwin') return macStore(machine)
  if (machine.platform === 'win32') return windowsStore(machine)
  const found = linuxStores.find(
    ({ anchors, update: [program = ''] }) => machine.exists(anchors) && machine.which(program) !== undefined,
  )
  return found && linuxStore(found, machine)
}

function linuxStore(
  { title, anchors, ending, update, rebuild = update, bundle }: LinuxStore,
  machine: Machine,
): TrustStore {
  const asRoot = true
  const anchorOf = (label: string): string => join(anchors, label + ending)
  const removal = (anchor: string): Step => ({ command: ['rm', '-f', anchor], asRoot })
  return {
    kind: 'system',
    title: `system (${title})`,
    bundle,
    has: async ({ certificate }) => pemContains(machine.read(bundle), certificate),
    install: ({ label, file }) => [
      { command: ['install', '-m', '644', file, anchorOf(label)], asRoot },
      { command: update, asRoot },
    ],
    uninstall: async ({ label }) => [removal(anchorOf(label)), { command: rebuild, asRoot }],
    uninstallAll: async () => {
      const names = machine.list(anchors).filter((name) => name.startsWith(LABEL_START) && name.endsWith(ending))
      return names.length === 0
        ? []
        : [...names.map((name) => removal(join(anchors, name))), { command: rebuild, asRoot }]
    },
  }
}

const MAC_KEYCHAIN = '/Library/Keychains/System.keychain'

/** The system keychain. `security help add-trusted-cert` */
function macStore(machine: Machine): TrustStore {
  const asRoot = true
  return {
    kind: 'system',
    title: 'system (macOS keychain)',
    has: async ({ certificate }) => {
      const { output } = await machine.run(['security', 'find-certificate', '-a', '-Z', MAC_KEYCHAIN])
      return output.includes(`SHA-1 hash: ${thumbprintOf(certificate)}`)
    },
    install: ({ file }) => [
      { command: ['security', 'add-trusted-cert', '-d', '-r', 'trustRoot', '-k', MAC_KEYCHAIN, file], asRoot },
    ],
    uninstall: async ({ certificate }) => [
      { command: ['security', 'delete-certificate', '-t', '-Z', thumbprintOf(certificate), MAC_KEYCHAIN], asRoot },
    ],
  }
}

/** The root store of the user, which needs no administrator. Windows asks for a confirmation. `certutil -?` */
function windowsStore(machine: Machine): TrustStore {
  return {
    kind: 'system',
    title: 'system (Windows, this user)',
    has: async ({ certificate }) =>
      (await machine.run(['certutil', '-user', '-store', 'Root', thumbprintOf(certificate)])).status === 0,
    install: ({ file }: Root) => [{ command: ['certutil', '-user', '-addstore', 'Root', file] }],
    uninstall: async ({ certificate }) => [
      { command: ['certutil', '-user', '-delstore', 'Root', thumbprintOf(certificate)] },
    ],
  }
}
