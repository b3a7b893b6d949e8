import type { Command } from 'commander'
import { isBinary, packageFolder, readPackageFile } from '../core/files/package-files.ts'
import { print } from './shared/output.ts'

/** Adds `sealpost licenses`. */
export function addLicenses(program: Command): void {
  program.command('licenses').action(() => {
    print(`${readPackageFile('LICENSE')}`)
    print(isBinary ? `${readPackageFile('licences.txt')}` : `Packages: dist/cjs and node_modules of ${packageFolder}`)
  })
}
