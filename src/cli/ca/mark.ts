import type { Command } from 'commander'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { certificatePem, thumbprintOf } from '../../tls/pki/certificate/certificate.ts'
import { BimiFailure } from '../../transport/mail-authentication/bimi/failure.ts'
import { checkLogo } from '../../transport/mail-authentication/bimi/logo.ts'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { UsageError } from '../shared/failure.ts'
import { checkOutput, readInput, writeOutput } from '../shared/files.ts'
import { wholeNumber } from '../shared/options.ts'
import { countText, noteWarning, print, printWritten } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface MarkFlags extends ConfigurationOptions {
  readonly logo: string
  readonly out: string
  readonly common?: boolean
  readonly o?: string
  readonly authority?: string
  readonly days?: number
  readonly force?: boolean
}

/** Adds `sealpost ca mark`. */
export function addMark(ca: Command): void {
  withConfig(ca.command('mark'))
    .description('issue a mark certificate (VMC or CMC), which proves that a domain may show a logo (BIMI)')
    .argument('<domain...>', 'domains whose mail shows the logo, or single selectors: SELECTOR._bimi.DOMAIN')
    .requiredOption('--logo <file>', 'the logo, SVG Tiny PS; - for standard input')
    .requiredOption('--out <file>', 'file for the certificate and its issuers (PEM); - for standard output')
    .option('--common', 'a common mark certificate (CMC) instead of a verified one (VMC)')
    .option('--o <name>', 'organization (default: the first domain)')
    .option('--authority <name>', 'name of the authority (default: the default authority, see ca default)')
    .option('--days <number>', 'days of validity (default: 397)', wholeNumber)
    .option('--force', 'issue the certificate even if every receiver would refuse it')
    .addOption(sharedOptions.json)
    .action(issue)
}

function issue(domains: readonly string[], flags: MarkFlags): Promise<void> {
  const { logo: file, out, common, o, authority, days, force, json } = flags
  return withPki(flags, async ({ authorities }) => {
    if (out !== '-') await checkOutput(out)
    const logo = await readInput(file)
    if (!force) checkedLogo(file, logo)
    const type = common ? ('common' as const) : ('verified' as const)
    const options = omitUndefined({ organization: o, authority, days, force })
    const chain = await authorities.issueMark({ domains, logo, type, ...options })
    await writeOutput(out, chain.map(certificatePem).join(''))
    if (out === '-') return
    const facts = { serial: chain[0].serialNumber, thumbprint: thumbprintOf(chain[0]), file: out }
    if (json) print(JSON.stringify(facts))
    else printWritten(out, `mark certificate of ${domains.join(', ')}, ${countText(chain.length, 'certificate')}`)
  })
}

/** @throws UsageError for a logo that receivers refuse */
function checkedLogo(file: string, logo: Buffer): void {
  try {
    const warning = checkLogo(logo)
    if (warning !== undefined) noteWarning(`${file}: ${warning}`)
  } catch (error) {
    if (!(error instanceof BimiFailure)) throw error
    throw new UsageError(`${file}: ${error.message}; --force issues the certificate anyway`)
  }
}
