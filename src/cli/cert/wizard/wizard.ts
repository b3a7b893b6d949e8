import type { Command } from 'commander'
import { certificateText } from '../../../core/config/schema/certificate.ts'
import { PkiError } from '../../../tls/pki/errors.ts'
import { type PkiSession, withPki } from '../../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../../shared/configuration.ts'
import { explain, UsageError } from '../../shared/failure.ts'
import { noteError } from '../../shared/output.ts'
import type { ServerState } from './branches.ts'
import type { Choice } from './prompts.ts'

/** Adds `sealpost cert wizard`: the certificate lifecycle as questions, one on each page. */
export function addWizard(cert: Command): void {
  withConfig(cert.command('wizard'))
    .description('request, install, renew and remove certificates by answering questions in a terminal')
    .option('--for <virtual server>', 'start at this virtual server')
    .action((flags: ConfigurationOptions & { for?: string }) => {
      if (!process.stdin.isTTY || !process.stdout.isTTY) {
        throw new UsageError('the wizard needs a terminal; in scripts, use the other commands of sealpost cert')
      }
      return withPki(flags, (session) => runWizard(session, flags.for))
    })
}

async function states({ certificates, lab, store }: PkiSession): Promise<ServerState[]> {
  const pending = await certificates.pending()
  const { assignments, certificates: records } = store.index
  return lab.virtualServers.map((facts) => {
    const record = records.find(({ thumbprint }) => thumbprint === assignments[facts.name])
    const request = pending.find(({ virtualServer }) => virtualServer === facts.name)
    return { facts, ...(record ? { assigned: record } : {}), ...(request ? { pending: request } : {}) }
  })
}

function stateText({ facts, assigned, pending }: ServerState): string {
  if (pending) return 'a request is pending'
  if (assigned) return assigned.friendlyName
  const { certificate } = facts
  if (certificate.kind === 'auto') return 'issued by the lab'
  return certificate.kind === 'assigned' ? 'no certificate' : `certificate: ${certificateText(certificate)}`
}

async function runWizard(session: PkiSession, name: string | undefined): Promise<void> {
  const [{ intro, outro }, { Cancelled, choose, showPage }, { wizardBranches }] = await Promise.all([
    import('@clack/prompts'),
    import('./prompts.ts'),
    import('./branches.ts'),
  ])
  intro('Certificate wizard')
  const all = await states(session)
  const choices: Choice<string>[] = all.map((state, at) => ({
    value: String(at),
    label: state.facts.name,
    hint: stateText(state),
  }))
  const given = all.find(({ facts }) => facts.name === name || facts.protocol === name)
  const state = given ?? all[Number(await choose('Which virtual server?', choices))]
  if (state === undefined) throw new PkiError('unknown', 'no virtual server is configured')
  const offered = wizardBranches.filter((branch) => branch.offered(state))
  const options = offered.map(({ label }, at) => ({ value: String(at), label }))
  const branch = offered[Number(await choose(`"${state.facts.name}": what do you want to do?`, options))]
  const stopListening = endOnInterrupt(session, (isChanged) => new Cancelled(isChanged ? COMPLETED : undefined))
  try {
    const sentence = (await branch?.run(session, state)) ?? ''
    const warnings = await session.certificates.warnings([state.facts.name])
    if (warnings.length > 0) showPage('Warnings', warnings.map(({ message }) => message).join('\n'))
    outro(sentence)
  } finally {
    stopListening()
  }
}

const COMPLETED = 'the change that was under way is complete'

/**
 * Ends the wizard on Ctrl-C while it asks nothing, for example while it generates a long key: when a change that is under
 * way is complete. Returns a function that stops it.
 */
function endOnInterrupt({ store }: PkiSession, reason: (isChanged: boolean) => Error): () => void {
  const { revision } = store.index
  const end = async (): Promise<void> => {
    await store.close()
    await store.refresh()
    for (const line of explain(reason(store.index.revision !== revision)).lines) noteError(line)
    // By the signal, because process.exit would wait until the key is complete.
    process.kill(process.pid, 'SIGINT')
  }
  const listener = (): void => void end()
  process.once('SIGINT', listener)
  return () => process.removeListener('SIGINT', listener)
}
