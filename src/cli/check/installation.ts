import { installCommand } from '../../core/files/folders.ts'
import { version } from '../../core/text/version.ts'
import type { Finding } from './finding.ts'
import { installedVersion, type OptionalPackage, optionalPackages } from './optional-packages.ts'

/** The program and what it runs on, as `sealpost --version --json` prints it. */
interface Installation {
  readonly sealpost: string
  readonly node: string
  readonly openssl: string
  /** `linux x64`. */
  readonly platform: string
  /** The versions of the optional packages; null for those that are not installed. */
  readonly optional: Readonly<Record<OptionalPackage, string | null>>
}

/** Returns the program and what it runs on. */
export function installation(): Installation {
  const names = Object.keys(optionalPackages) as OptionalPackage[]
  const optional = Object.fromEntries(names.map((name) => [name, installedVersion(name) ?? null]))
  return {
    sealpost: version,
    node: process.versions.node,
    openssl: process.versions.openssl,
    platform: `${process.platform} ${process.arch}`,
    optional: optional as Installation['optional'],
  }
}

/** Finds out which versions and optional packages are installed. */
export function checkInstallation(): Finding[] {
  const { sealpost, node, openssl, platform, optional } = installation()
  const message = `Sealpost ${sealpost} on Node.js ${node}, OpenSSL ${openssl}, ${platform}`
  const packages = Object.entries(optional).map(([name, found]): Finding => {
    const use = optionalPackages[name as OptionalPackage]
    if (found !== null) return { check: 'packages', status: 'ok', message: `${name} ${found} is installed: ${use}` }
    return {
      check: 'packages',
      status: 'note',
      message: `${name} is not installed; only ${use} needs it`,
      fix: installCommand(name),
    }
  })
  return [{ check: 'program', status: 'ok', message }, ...packages]
}
