import { basename, join } from 'node:path'
import type { Machine } from './machine.ts'
import { LABEL_START, pemContains, type Step, type TrustStore } from './trust-store.ts'

/** A program that keeps certificates in NSS databases, and where. */
interface NssPlace {
  readonly program: string
  /** Folder in the home folder: a database, or with `profiles` a folder of profiles. */
  readonly folder: string
  readonly profiles?: true
}

const profilesOf = (program: string, ...folders: readonly string[]): NssPlace[] =>
  folders.map((folder) => ({ program, folder, profiles: true }))

const linuxPlaces: readonly NssPlace[] = [
  { program: 'Chromium', folder: '.pki/nssdb' },
  { program: 'Chromium', folder: 'snap/chromium/current/.pki/nssdb' },
  { program: 'Evolution', folder: '.local/share/evolution' },
  ...profilesOf(
    'Firefox',
    '.mozilla/firefox',
    '.config/mozilla/firefox',
    'snap/firefox/common/.mozilla/firefox',
    '.var/app/org.mozilla.firefox/.mozilla/firefox',
  ),
  ...profilesOf('LibreWolf', '.librewolf'),
  ...profilesOf(
    'Thunderbird',
    '.thunderbird',
    'snap/thunderbird/common/.thunderbird',
    '.var/app/org.mozilla.Thunderbird/.thunderbird',
  ),
]

const macPlaces: readonly NssPlace[] = [
  ...profilesOf('Firefox', 'Library/Application Support/Firefox/Profiles'),
  ...profilesOf('Thunderbird', 'Library/Thunderbird/Profiles'),
]

/** Windows has a different certutil, and Firefox and Thunderbird read the roots of Windows there. */
const places: Partial<Record<NodeJS.Platform, readonly NssPlace[]>> = { linux: linuxPlaces, darwin: macPlaces }

const NEEDS: Partial<Record<NodeJS.Platform, string>> = {
  linux:
    'certutil is not installed; on Debian and Ubuntu run: apt-get install libnss3-tools, on Fedora: dnf install nss-tools',
  darwin: 'certutil is not installed; run: brew install nss',
}

/** Returns the NSS databases of the user: those of Firefox, Thunderbird, Chromium and Evolution. */
export function nssStores(machine: Machine): TrustStore[] {
  return (places[machine.platform] ?? []).flatMap(({ program, folder, profiles }) => {
    const path = join(machine.home, folder)
    const databases = profiles ? machine.list(path).map((name) => join(path, name)) : [path]
    return databases.flatMap((database) => {
      // cert9.db is the database since NSS 3.35 (2018), cert8.db the one before.
      if (machine.exists(join(database, 'cert9.db'))) return [nssStore(program, database, 'sql', machine)]
      return machine.exists(join(database, 'cert8.db')) ? [nssStore(program, database, 'dbm', machine)] : []
    })
  })
}

function nssStore(program: string, folder: string, form: 'sql' | 'dbm', machine: Machine): TrustStore {
  const certutil = (...args: readonly string[]): string[] => ['certutil', '-d', `${form}:${folder}`, ...args]
  const removal = (label: string): Step => ({ command: certutil('-D', '-n', label) })
  const missing = machine.which('certutil') === undefined ? NEEDS[machine.platform] : undefined
  /** Returns the labels of the roots of labs, and whether each is trusted for servers. */
  const labels = async (): Promise<Map<string, boolean>> => {
    const { output } = await machine.run(certutil('-L'))
    // The flags are in columns: a space may follow the last comma.
    const lines = output.matchAll(/^(\S+)[ \t]+(\w*),\w*,\w*[ \t]*$/gm)
    return new Map(
      [...lines].flatMap(([, label = '', ssl = '']) =>
        label.startsWith(LABEL_START) ? [[label, ssl.includes('C')] as const] : [],
      ),
    )
  }
  return {
    kind: 'nss',
    title: `${program} (${basename(folder)})`,
    ...(missing === undefined ? {} : { missing }),
    has: async ({ label, certificate }) =>
      (await labels()).get(label) === true &&
      pemContains((await machine.run(certutil('-L', '-n', label, '-a'))).output, certificate),
    // C: trusted as an authority of servers, and in the second place of senders of S/MIME mail.
    install: ({ label, file }) => [{ command: certutil('-A', '-t', 'C,C,', '-n', label, '-i', file) }],
    uninstall: async ({ label }) => ((await labels()).has(label) ? [removal(label)] : []),
    uninstallAll: async () => [...(await labels()).keys()].map(removal),
  }
}
