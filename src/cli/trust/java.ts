import { dirname, join } from 'node:path'
import type { Machine } from './machine.ts'
import { LABEL_START, type Step, type TrustStore } from './trust-store.ts'

/** Password of the root store of every JDK. https://docs.oracle.com/en/java/javase/21/docs/specs/man/keytool.html */
const PASSWORD = 'changeit'

/** Where a Java home keeps its roots: since Java 9, and before. */
const ROOT_FILES = ['lib/security/cacerts', 'jre/lib/security/cacerts']

/** An alias of `trust install`, or of Debian's hook for a root of the system. */
const LAB_ALIAS = new RegExp(`^(?:debian:)?${LABEL_START}`)

/** The file that makes Debian copy the roots of the system to Java. */
const DEBIAN_HOOK = '/etc/ca-certificates/update.d/jks-keystore'

/** Returns the root store of Java: that of `JAVA_HOME`, or of the `java` that the shell runs. None without Java. */
export function javaStores(machine: Machine): TrustStore[] {
  const java = machine.which('java')
  const home = machine.env.JAVA_HOME ?? (java === undefined ? undefined : dirname(dirname(machine.real(java))))
  if (home === undefined) return []
  const file = ROOT_FILES.map((name) => join(home, name)).find((path) => machine.exists(path))
  return file === undefined ? [] : [javaStore(home, machine.real(file), machine)]
}

function javaStore(home: string, file: string, machine: Machine): TrustStore {
  const program = [join(home, 'bin/keytool'), join(home, 'bin/keytool.exe')].find((path) => machine.exists(path))
  const keytool = program ?? machine.which('keytool')
  const asRoot = !machine.isWritable(file)
  const command = (verb: string, ...args: readonly string[]): string[] => [
    keytool ?? 'keytool',
    verb,
    '-keystore',
    file,
    '-storepass',
    PASSWORD,
    ...args,
  ]
  /** Returns the alias of each root by its SHA-256. */
  const entries = async (): Promise<Map<string, string>> => {
    const { output } = await machine.run(command('-list'))
    const found = output.matchAll(/^([^,\n]+), .*\n.*: ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})\s*$/gm)
    return new Map([...found].map(([, alias = '', fingerprint = '']) => [fingerprint, alias]))
  }
  const removal = (alias: string): Step => ({ command: command('-delete', '-alias', alias), asRoot })
  // Debian's hook fills the file, also with the roots that `trust install` puts into the system store.
  const follows = file === '/etc/ssl/certs/java/cacerts' && machine.exists(DEBIAN_HOOK)
  return {
    kind: 'java',
    title: `Java (${home})`,
    ...(keytool === undefined ? { missing: `keytool is not in ${home}/bin; install a JDK` } : {}),
    has: async ({ certificate }) => (await entries()).has(certificate.fingerprint256),
    install: ({ label, file: root }) => [
      { command: command('-importcert', '-noprompt', '-alias', label, '-file', root), asRoot },
    ],
    uninstall: async ({ certificate }) => {
      const alias = (await entries()).get(certificate.fingerprint256)
      return alias === undefined ? [] : [removal(alias)]
    },
    uninstallAll: async () => [...(await entries()).values()].filter((alias) => LAB_ALIAS.test(alias)).map(removal),
    ...(follows ? { follows: 'system' as const } : {}),
  }
}
