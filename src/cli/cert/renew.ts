import type { Command } from 'commander'
import type { Renewal } from '../../pki/lifecycle/renew.ts'
import { withConfig } from '../configuration.ts'
import { UsageError } from '../failure.ts'
import { checkOutput, writeOutput } from '../files.ts'
import { print } from '../output.ts'
import { type PkiOptions, withPki } from './session.ts'

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
