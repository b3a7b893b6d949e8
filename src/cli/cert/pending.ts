import type { Command } from 'commander'
import { withConfig } from '../configuration.ts'
import { UsageError } from '../failure.ts'
import { writeOutput } from '../files.ts'
import { print, table } from '../output.ts'
import { type PkiOptions, withPki } from './session.ts'
import { dayText, nameText } from './show-text.ts'

/** `sealpost cert pending` and `cert cancel`. */
export function addPending(cert: Command): void {
  withConfig(cert.command('pending'))
    .description('the requests that wait for an answer')
    .argument('[virtual server]', 'write the request of this one again')
    .option('--out <file>', 'where to, - for standard output', '-')
    .option('--json', 'print JSON')
    .action((server: string | undefined, flags: PkiOptions & { out: string }) =>
      server === undefined ? list(flags) : again(server, flags),
    )
  withConfig(cert.command('cancel'))
    .description('delete a pending request and its key; an answer to it can no more be installed')
    .argument('[virtual server]', 'whose request, or its identifier')
    .option('--for <virtual server>', 'the same')
    .option('--json', 'print JSON')
    .action(cancel)
}

function list(flags: PkiOptions): Promise<void> {
  return withPki(flags, async ({ certificates, store }) => {
    const requests = await certificates.pending()
    if (flags.json) {
      const shown = requests.map(async ({ key, ...one }) => ({
        ...one,
        request: await store.materials.read(one.request),
      }))
      return print(JSON.stringify(await Promise.all(shown)))
    }
    if (requests.length === 0) return print('No request is pending.')
    const rows = requests.map(({ id, virtualServer, subject, createdAt, queued }) => [
      id,
      virtualServer,
      nameText(subject),
      dayText(createdAt),
      queued ? `request ${queued.id} at "${queued.authority}"` : 'to be sent',
    ])
    print(table(['id', 'virtual server', 'issued to', 'since', 'where'], rows))
  })
}

function again(server: string, flags: PkiOptions & { out: string }): Promise<void> {
  return withPki(flags, async ({ certificates }) => writeOutput(flags.out, await certificates.pendingPem(server)))
}

async function cancel(server: string | undefined, flags: PkiOptions & { for?: string }): Promise<void> {
  const name = server ?? flags.for
  if (name === undefined) throw new UsageError('say whose request: sealpost cert cancel --for "VIRTUAL SERVER"')
  await withPki(flags, async ({ certificates }) => {
    const { id, virtualServer } = await certificates.cancel(name)
    print(flags.json ? JSON.stringify({ id, virtualServer }) : `The request of "${virtualServer}" is deleted.`)
  })
}
