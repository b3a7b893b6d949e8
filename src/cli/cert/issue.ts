import type { Command } from 'commander'
import type { AcmeAuthority } from '../../pki/acme/client.ts'
import type { CertificateRecord } from '../../pki/certificate-store/index-file.ts'
import type { Renewal } from '../../pki/lifecycle/renew.ts'
import { type PkiOptions, withPki } from '../certificate-store.ts'
import { withConfig } from '../configuration.ts'
import { UsageError } from '../failure.ts'
import { checkOutput, readInput, writeOutput } from '../files.ts'
import { portNumber } from '../options.ts'
import { note, print } from '../output.ts'
import { requestSummary } from './request.ts'
import { type RequestFlags, requestOptions, withRequestOptions } from './request-options.ts'

interface IssueFlags extends RequestFlags {
  readonly authority?: string
  readonly acme?: string
  readonly httpAddress: string
  readonly httpPort: number
  readonly acmeCa?: string
  readonly eabKid?: string
  readonly eabKey?: string
}

/** `sealpost cert issue`: sends the request to an online authority at once. */
export function addIssue(cert: Command): void {
  withRequestOptions(withConfig(cert.command('issue')))
    .description("send a request to one of the lab's authorities at once and install the answer")
    .option('--authority <name>', 'the authority (default: the one that issues for certificate: auto)')
    .option('--acme <url>', 'an ACME directory anywhere, in place of an authority of the lab')
    .option('--http-address <address>', 'where its http-01 challenge is answered', '0.0.0.0')
    .option('--http-port <number>', 'likewise; the authority asks port 80', portNumber, 80)
    .option('--acme-ca <file>', 'PEM that verifies the directory itself, beside the roots of Node.js')
    .option('--eab-kid <id>', 'external account, with --eab-key')
    .option('--eab-key <key>', 'its MAC key, base64url')
    .option('--json', 'print JSON')
    .action(issue)
}

function issue(flags: IssueFlags): Promise<void> {
  return withPki(flags, async ({ certificates }) => {
    const planned = await certificates.plan(requestOptions(flags))
    for (const warning of planned.warnings) note(`warning: ${warning}`)
    if (!flags.json) print(requestSummary(planned))
    if (flags.acme !== undefined) {
      const record = await certificates.issueByAcme(planned, await acmeAuthority(flags, flags.acme))
      return tellIssued(flags, planned.virtualServer.name, flags.acme, record)
    }
    const outcome = await certificates.issuePlanned(planned, flags.authority)
    const { authority } = outcome
    const virtualServer = planned.virtualServer.name
    if (outcome.state === 'issued') {
      return tellIssued(flags, virtualServer, authority, outcome.record)
    }
    if (flags.json) return print(JSON.stringify({ state: 'queued', authority, virtualServer, id: outcome.id }))
    print(
      `\n"${authority}" is a standalone authority and does not answer at once: the request waits there as number ${outcome.id}.\n` +
        `Approve it with: sealpost ca approve ${outcome.id}\nThen install it with: sealpost cert install --pending`,
    )
  })
}

function tellIssued(
  { json }: IssueFlags,
  virtualServer: string,
  authority: string,
  { thumbprint, friendlyName, notAfter }: CertificateRecord,
): void {
  if (json) print(JSON.stringify({ state: 'issued', authority, virtualServer, thumbprint, friendlyName, notAfter }))
  else
    print(`\n"${authority}" issued the certificate; it is installed on "${virtualServer}" (thumbprint ${thumbprint}).`)
}

async function acmeAuthority(flags: IssueFlags, directoryUrl: string): Promise<AcmeAuthority> {
  const { httpAddress, httpPort, acmeCa, eabKid, eabKey, email } = flags
  if ((eabKid === undefined) !== (eabKey === undefined)) throw new UsageError('--eab-kid and --eab-key go together')
  return {
    directoryUrl,
    httpAddress,
    httpPort,
    progress: note,
    ...(email ? { email } : {}),
    ...(acmeCa ? { ca: (await readInput(acmeCa)).toString('utf8') } : {}),
    ...(eabKid && eabKey ? { externalAccount: { kid: eabKid, key: eabKey } } : {}),
  }
}

interface RenewFlags extends PkiOptions {
  readonly for?: string
  readonly newKey?: boolean
  readonly out: string
}

/** `sealpost cert renew`. */
export function addRenew(cert: Command): void {
  withConfig(cert.command('renew'))
    .description('renew a certificate; the old one stays in service until the new one is in')
    .argument('[name]', 'friendly name or thumbprint')
    .option('--for <virtual server>', 'the one this virtual server wears')
    .option('--new-key', 'make a new key; the old one is kept otherwise')
    .option('--out <file>', 'where the request goes when an outside authority has to answer it', 'certreq.txt')
    .option('--json', 'print JSON')
    .action(renew)
}

function renew(name: string | undefined, flags: RenewFlags): Promise<void> {
  if ((name === undefined) === (flags.for === undefined))
    throw new UsageError('give the certificate, or --for the virtual server')
  return withPki(flags, async ({ certificates }) => {
    await checkOutput(flags.out)
    const target = name ?? (await certificates.wornBy(flags.for ?? ''))
    const renewal = await certificates.renew(target, { newKey: flags.newKey ?? false })
    if (renewal.state === 'requested') await writeOutput(flags.out, renewal.pem)
    print(flags.json ? JSON.stringify(facts(renewal, flags.out)) : sentence(renewal, flags.out))
  })
}

function facts(renewal: Renewal, file: string): object {
  if (renewal.state === 'renewed') {
    const { thumbprint, friendlyName, notAfter } = renewal.record
    return { state: 'renewed', replaces: renewal.replaces, thumbprint, friendlyName, notAfter }
  }
  if (renewal.state === 'queued') return { state: 'queued', authority: renewal.authority, id: renewal.id }
  return { state: 'requested', id: renewal.request.id, file }
}

function sentence(renewal: Renewal, file: string): string {
  if (renewal.state === 'renewed') {
    const { friendlyName, thumbprint, notAfter } = renewal.record
    return `"${friendlyName}" is renewed until ${notAfter.slice(0, 10)} (thumbprint ${thumbprint}); ${renewal.replaces} stays in the store.`
  }
  if (renewal.state === 'queued') {
    return `"${renewal.authority}" is a standalone authority: the request waits there as number ${renewal.id}. Then: sealpost cert install --pending`
  }
  return `An outside authority issued this certificate: send it the request in ${file}, then: sealpost cert install FILE. The old certificate stays in service until then.`
}
