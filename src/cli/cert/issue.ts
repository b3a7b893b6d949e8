import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { type AcmeAuthority, type ChallengeType, challengeTypes } from '../../tls/pki/acme/client/authority.ts'
import { profileNamed } from '../../tls/pki/authority/issuing-profiles.ts'
import type { CertificateRecord } from '../../tls/pki/certificate-store/index-file.ts'
import { findVirtualServers } from '../../tls/pki/lifecycle/context.ts'
import type { Renewal } from '../../tls/pki/lifecycle/renew.ts'
import { type ProfileFlags, profileOptions, withProfileOptions } from '../ca/profile-options.ts'
import { type PkiSession, withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { exitStatus, explain, UsageError } from '../shared/failure.ts'
import { readRoots } from '../shared/files.ts'
import { portNumber } from '../shared/options.ts'
import { dayText, note, noteError, noteWarning, print, printResult } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { requestSummary, writeRequest } from './request.ts'
import { type RequestFlags, requestOptions, withRequestOptions } from './request-options.ts'
import { NAME_HELP, noteWarningsOf } from './words.ts'

interface IssueFlags extends RequestFlags, ProfileFlags {
  readonly authority?: string
  readonly force?: boolean
  readonly acme?: string
  readonly httpAddress: string
  readonly httpPort: number
  readonly challenge?: ChallengeType
  readonly tlsAlpnPort: number
  readonly dnsHook?: string
  readonly acmeProfile?: string
  readonly acmeCa?: string
  readonly eabKid?: string
  readonly eabKey?: string
}

/** Adds `sealpost cert issue`. */
export function addIssue(cert: Command): void {
  withProfileOptions(withRequestOptions(withConfig(cert.command('issue')), ', or all'))
    .description('request a certificate from an authority of the lab and install it')
    .option('--authority <name>', 'name of the authority (default: the default authority, see ca default)')
    .option('--force', 'issue the certificate even if every client would refuse it')
    .option('--acme <url>', 'use this ACME directory instead of an authority of the lab')
    .addOption(
      new Option(
        '--challenge <type>',
        'how to prove control of the names (default: what the directory offers)',
      ).choices(challengeTypes),
    )
    .option('--http-address <address>', 'address on which to answer http-01 and tls-alpn-01 challenges', '0.0.0.0')
    .option(
      '--http-port <number>',
      'port on which to answer http-01 challenges; authorities connect to port 80',
      portNumber,
      80,
    )
    .option(
      '--tls-alpn-port <number>',
      'port on which to answer tls-alpn-01 challenges; authorities connect to port 443',
      portNumber,
      443,
    )
    .option('--dns-hook <program>', 'program that answers dns-01 challenges; it is run with: set|clear NAME VALUE')
    .option('--acme-profile <name>', 'kind of certificate, one of the profiles of the directory')
    .option('--acme-ca <file>', 'PEM root of the ACME directory, trusted in addition to those of Node.js')
    .option('--eab-kid <id>', 'key identifier of the external account')
    .option('--eab-key <key>', 'MAC key of the external account in base64url')
    .addOption(sharedOptions.json)
    .action(issue)
}

function issue(flags: IssueFlags): Promise<void> {
  const { acme, days, hours, hash, profile } = flags
  if (acme !== undefined && (days ?? hours ?? hash ?? profile) !== undefined) {
    throw new UsageError('an ACME authority decides about lifetime and purposes; give --acme-profile')
  }
  return withPki(flags, async (session) => {
    const servers = findVirtualServers({ store: session.store, lab: () => session.lab }, flags.for)
    if (flags.for === 'all' && flags.name !== undefined) {
      throw new UsageError('--name names one certificate; leave it out with --for all')
    }
    const issueOne = (name: string): Promise<object> => issueFor(session, { ...flags, for: name })
    const results = []
    for (const { name } of servers) {
      results.push(await (flags.for === 'all' ? issueOne(name).catch(failureOf(name)) : issueOne(name)))
    }
    if (flags.json) print(JSON.stringify(flags.for === 'all' ? results : results[0]))
  })
}

/** Notes that one of several servers got no certificate; the others still get theirs. Returns the result for `--json`. */
const failureOf =
  (virtualServer: string) =>
  (error: unknown): object => {
    if (error instanceof UsageError) throw error
    const [line = ''] = explain(error).lines
    const message = line.replace(/^sealpost: /, '')
    noteError(`sealpost: ${virtualServer}: ${message}`)
    process.exitCode = exitStatus.failed
    return { virtualServer, state: 'failed', error: message }
  }

/** Issues the certificate of one virtual server. Returns the result for `--json`. */
async function issueFor(session: PkiSession, flags: IssueFlags): Promise<object> {
  const { certificates, profiles } = session
  const key = profileNamed(profiles, flags.profile)?.key
  const planned = await certificates.plan({ ...(key ? { key } : {}), ...requestOptions(flags) })
  for (const warning of planned.warnings) noteWarning(warning)
  if (!flags.json) print(requestSummary(planned))
  const virtualServer = planned.virtualServer.name
  if (flags.acme !== undefined) {
    const record = await certificates.issueByAcme(planned, await acmeAuthority(flags, flags.acme))
    return printIssued(session, flags, virtualServer, flags.acme, record)
  }
  const options = { ...profileOptions(flags, profiles), force: flags.force ?? false }
  const outcome = await certificates.issuePlanned(planned, flags.authority, undefined, options)
  const { authority } = outcome
  if (outcome.state === 'issued') return printIssued(session, flags, virtualServer, authority, outcome.record)
  const queued = { state: 'queued', authority, virtualServer, id: outcome.id }
  if (!flags.json) {
    print(
      `\n"${authority}" is a standalone authority: request ${outcome.id} is pending there.\n` +
        `Approve it with: sealpost ca approve ${outcome.id}\nThen install it with: sealpost cert install --pending`,
    )
  }
  return queued
}

async function printIssued(
  session: PkiSession,
  { json }: IssueFlags,
  virtualServer: string,
  authority: string,
  { thumbprint, friendlyName, notAfter }: CertificateRecord,
): Promise<object> {
  await noteWarningsOf(session, [virtualServer])
  const text = `\n"${authority}" issued the certificate; it is installed on "${virtualServer}" (thumbprint ${thumbprint}).`
  if (!json) print(text)
  return { state: 'issued', authority, virtualServer, thumbprint, friendlyName, notAfter }
}

async function acmeAuthority(flags: IssueFlags, directoryUrl: string): Promise<AcmeAuthority> {
  const { httpAddress, httpPort, tlsAlpnPort, challenge, dnsHook, acmeProfile, acmeCa, eabKid, eabKey, email } = flags
  if ((eabKid === undefined) !== (eabKey === undefined))
    throw new UsageError('give both --eab-kid and --eab-key, or neither')
  return {
    directoryUrl,
    httpAddress,
    httpPort,
    tlsAlpnPort,
    progress: note,
    ...(challenge ? { challenge } : {}),
    // A lab renews the certificate from another folder.
    ...(dnsHook ? { dnsHook: resolve(dnsHook) } : {}),
    ...(acmeProfile ? { profile: acmeProfile } : {}),
    ...(email ? { email } : {}),
    ...(acmeCa ? { ca: (await readRoots(acmeCa)).join('') } : {}),
    ...(eabKid && eabKey ? { externalAccount: { kid: eabKid, key: eabKey } } : {}),
  }
}

interface RenewFlags extends ConfigurationOptions {
  readonly for?: string
  readonly newKey?: boolean
  readonly out: string
}

/** Adds `sealpost cert renew`. */
export function addRenew(cert: Command): void {
  withConfig(cert.command('renew'))
    .description('renew a certificate; the old one stays in use until the new one is installed')
    .argument('[name]', NAME_HELP)
    .option('--for <virtual server>', 'renew the certificate of this virtual server')
    .option('--new-key', 'create a new key instead of keeping the old one')
    .option('--out <file>', 'file for the request if an outside authority must answer it', 'certreq.txt')
    .addOption(sharedOptions.json)
    .action(renew)
}

function renew(name: string | undefined, flags: RenewFlags): Promise<void> {
  if ((name === undefined) === (flags.for === undefined))
    throw new UsageError('give the name of the certificate, or --for')
  return withPki(flags, async (session) => {
    const { certificates } = session
    const target = name ?? (await certificates.thumbprintInUse(flags.for ?? ''))
    const renewal = await certificates.renew(target, { newKey: flags.newKey ?? false })
    if (renewal.state === 'renewed') return printRenewed(session, flags, renewal)
    if (renewal.state === 'requested') await writeRequest(flags.out, renewal.pem, renewal.request.virtualServer)
    printResult(flags, renewalFacts(renewal, flags.out), renewalText(renewal, flags.out))
  })
}

type Renewed = Extract<Renewal, { state: 'renewed' }>

async function printRenewed(session: PkiSession, flags: RenewFlags, { record, replaces }: Renewed): Promise<void> {
  const { thumbprint, friendlyName, notAfter } = record
  const [{ friendlyName: formerName }, { usedBy }] = await Promise.all([
    session.certificates.show(replaces),
    session.certificates.show(thumbprint),
  ])
  await noteWarningsOf(session, usedBy)
  printResult(
    flags,
    { state: 'renewed', replaces, formerName, thumbprint, friendlyName, notAfter },
    `"${friendlyName}" is renewed until ${dayText(notAfter)} (thumbprint ${thumbprint}); the former one stays in the store as "${formerName}".`,
  )
}

function renewalFacts(renewal: Exclude<Renewal, Renewed>, file: string): object {
  if (renewal.state === 'queued') return { state: 'queued', authority: renewal.authority, id: renewal.id }
  return { state: 'requested', id: renewal.request.id, file }
}

function renewalText(renewal: Exclude<Renewal, Renewed>, file: string): string {
  if (renewal.state === 'queued') {
    return `"${renewal.authority}" is a standalone authority: request ${renewal.id} is pending there. After approval, run: sealpost cert install --pending`
  }
  return `Wrote ${file} (certificate request). Send it to the authority, then run: sealpost cert install FILE. The old certificate stays in use until then.`
}
