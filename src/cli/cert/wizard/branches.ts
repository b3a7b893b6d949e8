import { issuedBy, type RequestRecord } from '../../../tls/pki/certificate-store/index-file.ts'
import { refusePinned, type VirtualServerFacts } from '../../../tls/pki/lifecycle/context.ts'
import type { InstallSummary } from '../../../tls/pki/lifecycle/install.ts'
import type { PkiSession } from '../../shared/certificate-store.ts'
import { withFileName, writeOutput } from '../../shared/files.ts'
import { dayText } from '../../shared/output.ts'
import { installSummary } from '../install.ts'
import { completedText, usedAfterRemoval } from '../words.ts'
import { requestNewCertificate, writePending } from './create.ts'
import { askOutput, askPassword, choose, confirm, showPage, untilDone, withFile } from './prompts.ts'

/** One branch of the wizard. */
interface Branch {
  readonly label: string
  readonly offered: (server: ServerState) => boolean
  /** Returns the closing sentence. */
  readonly run: (session: PkiSession, server: ServerState) => Promise<string>
}

/** The facts about a virtual server that the first page shows. */
export interface ServerState {
  readonly facts: VirtualServerFacts
  readonly assigned?: { readonly thumbprint: string; readonly friendlyName: string }
  readonly pending?: RequestRecord
}

async function chooseCertificate({ certificates }: PkiSession, except?: string): Promise<string> {
  const entries = (await certificates.list()).filter(({ thumbprint }) => thumbprint !== except)
  if (entries.length === 0) throw new Error('the store has no other certificate')
  const choices = entries.map((one) => ({
    value: one.thumbprint,
    label: one.friendlyName,
    hint: `issued to ${one.issuedTo} by ${one.issuedBy}, ${one.state === 'valid' ? `expires ${dayText(one.notAfter)}` : one.state}`,
  }))
  return choose('Which certificate?', choices)
}

/** Shows a certificate before it is installed. */
const showSummary = (summary: InstallSummary): void =>
  showPage('Summary', installSummary(summary) + summary.warnings.map((warning) => `\nWarning: ${warning}`).join(''))

const hasNone = ({ assigned, pending }: ServerState): boolean => !assigned && !pending
const hasCertificate = ({ assigned, pending }: ServerState): boolean => assigned !== undefined && !pending

const create: Branch = {
  label: 'Create a new certificate',
  offered: hasNone,
  run: (session, { facts }) => requestNewCertificate(session, facts),
}

const processPending: Branch = {
  label: 'Process the pending request and install the certificate',
  offered: ({ pending }) => pending !== undefined,
  async run({ certificates }, { facts, pending }) {
    if (pending?.queued) {
      const [outcome] = await certificates.installApproved(facts.name)
      if (outcome?.state === 'installed') return `The certificate is installed on "${facts.name}".`
      return `"${pending.queued.authority}" has ${outcome?.state === 'denied' ? 'denied' : 'not yet approved'} request ${pending.queued.id}.`
    }
    const planned = await withFile('Path of the file with the certificate', (answer, file) =>
      withFileName(file, () => certificates.inspect(answer, { for: facts.name })),
    )
    showSummary(planned.summary)
    await confirm('Install this certificate?')
    await certificates.installPlanned(planned)
    const { completedTo, friendlyName } = planned.summary
    if (completedTo !== undefined) return completedText(friendlyName, completedTo)
    return `The certificate is installed on "${facts.name}".`
  },
}

const deletePending: Branch = {
  label: 'Delete the pending request',
  offered: ({ pending }) => pending !== undefined,
  async run({ certificates }, { facts }) {
    await confirm('After that, no certificate for the request can be installed. Delete the request?')
    await certificates.cancel(facts.name)
    return `The request of "${facts.name}" is deleted.`
  },
}

const assign: Branch = {
  label: 'Assign an existing certificate',
  offered: hasNone,
  async run(session, { facts }) {
    const { record } = await session.certificates.assign(await chooseCertificate(session), facts.name)
    return `"${record.friendlyName}" is assigned to "${facts.name}".`
  },
}

const importFile: Branch = {
  label: 'Import a certificate from a .pfx or PEM file',
  offered: hasNone,
  async run({ certificates }, { facts }) {
    refusePinned(facts)
    const planned = await withFile('Path of the file', async (octets, file) => {
      const password = await askPassword('Password of the file (empty if none)')
      return withFileName(file, () =>
        certificates.planImport(octets, { for: facts.name, ...(password ? { password } : {}) }),
      )
    })
    showSummary(planned.summary)
    await confirm('Install this certificate?')
    const record = await certificates.importPlanned(planned)
    if (record.completedTo !== undefined) return completedText(record.friendlyName, record.completedTo)
    return `"${record.friendlyName}" is imported and assigned to "${facts.name}".`
  },
}

const renew: Branch = {
  label: 'Renew the current certificate',
  offered: hasCertificate,
  async run({ certificates, store }, { facts, assigned }) {
    const key = await choose('Keep the key?', [
      { value: 'keep', label: 'Keep the key' },
      { value: 'new', label: 'Create a new key' },
    ])
    const record = store.index.certificates.find(({ thumbprint }) => thumbprint === assigned?.thumbprint)
    const isOwn = record !== undefined && (record.acme ?? record.auto ?? issuedBy(store.index, record.thumbprint))
    // Asked before anything changes, so that the wizard can still be cancelled.
    const wanted = isOwn
      ? undefined
      : await askOutput('An outside authority issued the certificate. File name for the request', 'certreq.txt')
    const renewal = await certificates.renew(assigned?.thumbprint ?? '', { newKey: key === 'new' })
    if (renewal.state === 'renewed') return `The certificate of "${facts.name}" is renewed.`
    if (renewal.state === 'queued') return `Request ${renewal.id} is pending at "${renewal.authority}".`
    const file = await writePending(wanted ?? 'certreq.txt', renewal.pem, facts.name)
    return `Wrote ${file} (certificate request). The old certificate stays in use until the new one is installed.`
  },
}

const remove: Branch = {
  label: 'Remove the current certificate',
  offered: hasCertificate,
  async run({ certificates }, { facts, assigned }) {
    const { issuedTo, notAfter } = await certificates.show(assigned?.thumbprint ?? '')
    await confirm(`Remove the certificate of ${issuedTo} (expires ${dayText(notAfter)})? It stays in the store`)
    const { now } = await certificates.remove(facts.name)
    return `"${facts.name}" ${usedAfterRemoval(now)}.`
  },
}

const replace: Branch = {
  label: 'Replace the current certificate',
  offered: hasCertificate,
  async run(session, { facts, assigned }) {
    const { record } = await session.certificates.replace(
      facts.name,
      await chooseCertificate(session, assigned?.thumbprint),
    )
    return `"${facts.name}" now uses "${record.friendlyName}".`
  },
}

const exportFile: Branch = {
  label: 'Export the current certificate to a .pfx file',
  offered: hasCertificate,
  async run({ certificates }, { assigned }) {
    let file = 'certificate.pfx'
    await untilDone(async () => {
      file = await askOutput('File name', file)
      const password = await askPassword('Password for the file')
      await writeOutput(file, await certificates.export(assigned?.thumbprint ?? '', { format: 'pfx', password }), true)
    })
    return `Wrote ${file} (certificate with its private key).`
  },
}

/** The branches in the order of the wizard of Exchange Server 2003. */
export const wizardBranches: readonly Branch[] = [
  create,
  assign,
  importFile,
  processPending,
  deletePending,
  renew,
  remove,
  replace,
  exportFile,
]
