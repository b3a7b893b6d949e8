import type { Command } from 'commander'
import type { CertificateDetails } from '../../pki/lifecycle/list.ts'
import { type PkiOptions, withPki } from '../certificate-store.ts'
import { withConfig } from '../configuration.ts'
import { dayText, note, page, print, table } from '../output.ts'

/** `sealpost cert list` and `cert show`. */
export function addList(cert: Command): void {
  withConfig(cert.command('list'))
    .description('the certificates of the store')
    .option('--json', 'print JSON')
    .action(list)
  withConfig(cert.command('show'))
    .description('everything about one certificate')
    .argument('<name>', 'friendly name or thumbprint')
    .option('--json', 'print JSON')
    .action(show)
}

const left = (state: string, days: number): string => (state === 'valid' ? `${days} days left` : state)

function list(flags: PkiOptions): Promise<void> {
  return withPki(flags, async ({ certificates }) => {
    const entries = await certificates.list()
    for (const { message } of await certificates.warnings()) note(`warning: ${message}`)
    if (flags.json) return print(JSON.stringify(entries))
    if (entries.length === 0) return print('The store holds no certificate yet: the lab issues its own at first start.')
    const rows = entries.map((one) => [
      one.friendlyName,
      one.issuedTo,
      one.issuedBy,
      dayText(one.notAfter),
      left(one.state, one.daysLeft),
      one.key,
      one.thumbprint,
      one.usedBy.join(', ') || '-',
    ])
    print(table(['friendly name', 'issued to', 'issued by', 'expires', 'state', 'key', 'thumbprint', 'used by'], rows))
  })
}

const detailsPage = (one: CertificateDetails): string =>
  page([
    ['Friendly name', one.friendlyName],
    ['Issued to', one.subject || one.issuedTo],
    ['Issued by', one.issuer],
    ['Valid from', one.notBefore],
    ['Valid to', `${one.notAfter} (${left(one.state, one.daysLeft)})`],
    ['Intended purposes', one.purposes],
    ['Names', one.names],
    ['Key', one.key],
    ['Serial number', one.serial],
    ['Thumbprint', one.thumbprint],
    ['Chain', one.chain],
    ['Origin', one.origin],
    ['Used by', one.usedBy.length > 0 ? one.usedBy : 'no virtual server'],
  ])

function show(name: string, flags: PkiOptions): Promise<void> {
  return withPki(flags, async ({ certificates }) => {
    const details = await certificates.show(name)
    print(flags.json ? JSON.stringify(details) : detailsPage(details))
  })
}
