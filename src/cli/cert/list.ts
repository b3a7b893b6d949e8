import type { Command } from 'commander'
import { SHORT_THUMBPRINT } from '../../tls/pki/certificate-store/friendly-names.ts'
import type { CertificateDetails, CertificateEntry } from '../../tls/pki/lifecycle/list.ts'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { countText, note, noteWarning, page, print, withPager } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'
import { NAME_HELP } from './words.ts'

/** Adds `sealpost cert list` and `cert show`. */
export function addCertificateLists(cert: Command): void {
  withConfig(cert.command('list'))
    .description('list the certificates of the store')
    .addOption(sharedOptions.json)
    .action(withPager(list))
  withConfig(cert.command('show'))
    .description('show everything about one certificate')
    .argument('<name>', NAME_HELP)
    .addOption(sharedOptions.json)
    .action(withPager(show))
}

const timeLeft = ({ state, daysLeft }: CertificateEntry): string =>
  state === 'valid' ? countText(daysLeft, 'day') : state

const notServedText = (why: string): string => `installed but not served: ${why}`

function list(flags: ConfigurationOptions): Promise<void> {
  return withPki(flags, async ({ certificates }) => {
    const entries = await certificates.list()
    const problems = (await certificates.warnings()).length
    if (problems > 0) note(`sealpost check has ${countText(problems, 'remark')} about the certificates in use.`)
    if (flags.json) return print(JSON.stringify(entries))
    if (entries.length === 0) return print('The store has no certificates yet. The lab issues them at its first start.')
    const rows = entries.map((one) => [
      one.friendlyName,
      one.issuedTo,
      one.notServed === undefined ? timeLeft(one) : 'not served',
      one.thumbprint.slice(0, SHORT_THUMBPRINT),
      usersText(one),
    ])
    printTable(['FRIENDLY NAME', 'ISSUED TO', 'VALID FOR', 'THUMBPRINT', 'USED BY'], rows)
    for (const { friendlyName, notServed } of entries)
      if (notServed !== undefined) noteWarning(`"${friendlyName}" is ${notServedText(notServed)}`)
  })
}

/** A certificate that was replaced and that a virtual server still names has users too. */
const usersText = ({ usedBy, replacedBy }: CertificateEntry): string =>
  usedBy.map(shortServerName).join(', ') ||
  (replacedBy === undefined ? '-' : `- (now ${replacedBy.slice(0, SHORT_THUMBPRINT)})`)

/** Shortens `Default SMTP Virtual Server` to `SMTP`. */
const shortServerName = (name: string): string => /^Default (\w+) Virtual Server$/.exec(name)?.[1] ?? name

function show(name: string, flags: ConfigurationOptions): Promise<void> {
  return withPki(flags, async ({ certificates }) => {
    const details = await certificates.show(name)
    const warnings = await certificates.warnings(details.usedBy)
    for (const { message, thumbprint } of warnings) if (thumbprint === details.thumbprint) noteWarning(message)
    print(flags.json ? JSON.stringify(details) : detailsPage(details))
  })
}

const detailsPage = (one: CertificateDetails): string =>
  page([
    ['Friendly name', one.friendlyName],
    ['Issued to', one.subject || one.issuedTo],
    ['Issued by', one.issuer],
    ['Valid from', one.notBefore],
    ['Valid to', `${one.notAfter} (${one.state === 'valid' ? `${timeLeft(one)} left` : one.state})`],
    ['Intended purposes', one.purposes],
    ['Names', one.names],
    ['Key', one.key],
    ['Serial number', one.serial],
    ['Thumbprint', one.thumbprint],
    ['Chain', one.chain],
    ['Origin', one.origin],
    ...(one.notServed === undefined ? [] : [['State', notServedText(one.notServed)] as const]),
    ['Used by', one.usedBy.length > 0 ? one.usedBy : 'no virtual server'],
    ...(one.replacedBy === undefined ? [] : [['Replaced by', one.replacedBy] as const]),
  ])
