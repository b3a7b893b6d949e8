import { installSummary } from '../cert/install.ts'
import type { PkiSession } from '../certificate-store.ts'
import { checkOutput, readInput, writeOutput } from '../files.ts'
import { createBranch } from './create.ts'
import { askPassword, askText, BACK, Cancelled, choose, showPage } from './prompts.ts'
import type { Branch, ServerState } from './wizard.ts'

async function askFile(message: string, initial = ''): Promise<string> {
  const check = (answer: string): string | undefined => (answer === '' ? 'a file name is needed' : undefined)
  const file = await askText({ message, initial, check })
  if (file === BACK) throw new Cancelled()
  return file
}

async function confirmed(question: string): Promise<void> {
  const answer = await choose(question, [
    { value: 'yes', label: 'Yes' },
    { value: 'no', label: 'No, leave everything as it is' },
  ])
  if (answer === 'no') throw new Cancelled()
}

async function chooseCertificate({ certificates }: PkiSession, but?: string): Promise<string> {
  const entries = (await certificates.list()).filter(({ thumbprint }) => thumbprint !== but)
  if (entries.length === 0) throw new Error('the store holds no other certificate')
  const choices = entries.map((one) => ({
    value: one.thumbprint,
    label: one.friendlyName,
    hint: `issued to ${one.issuedTo} by ${one.issuedBy}, ${one.state === 'valid' ? `expires ${one.notAfter.slice(0, 10)}` : one.state}`,
  }))
  return choose('Which certificate?', choices)
}

const bare = ({ assigned, pending }: ServerState): boolean => !assigned && !pending
const worn = ({ assigned, pending }: ServerState): boolean => assigned !== undefined && !pending

const processPending: Branch = {
  label: 'Process the pending request and install the certificate',
  offered: ({ pending }) => pending !== undefined,
  async run({ certificates }, { facts, pending }) {
    if (pending?.queued) {
      const [outcome] = await certificates.installApproved(facts.name)
      if (outcome?.state === 'installed') return `The certificate is installed on "${facts.name}".`
      return `"${pending.queued.authority}" has ${outcome?.state === 'denied' ? 'denied' : 'not yet approved'} request ${pending.queued.id}.`
    }
    const planned = await certificates.inspect(await readInput(await askFile('Path of the file with the answer')), {
      for: facts.name,
    })
    const warnings = planned.summary.warnings.map((warning) => `\nWarning: ${warning}`).join('')
    showPage('Summary', installSummary(planned.summary) + warnings)
    await confirmed('Install this certificate?')
    await certificates.installPlanned(planned)
    return `The certificate is installed on "${facts.name}".`
  },
}

const deletePending: Branch = {
  label: 'Delete the pending request',
  offered: ({ pending }) => pending !== undefined,
  async run({ certificates }, { facts }) {
    await confirmed('An answer to the request can then no more be installed. Delete it?')
    await certificates.cancel(facts.name)
    return `The request of "${facts.name}" is deleted.`
  },
}

const assign: Branch = {
  label: 'Assign an existing certificate',
  offered: bare,
  async run(session, { facts }) {
    const { record } = await session.certificates.assign(await chooseCertificate(session), facts.name)
    return `"${record.friendlyName}" is assigned to "${facts.name}".`
  },
}

const importFile: Branch = {
  label: 'Import a certificate from a .pfx or PEM file',
  offered: bare,
  async run({ certificates }, { facts }) {
    const octets = await readInput(await askFile('Path of the file'))
    const password = await askPassword('Password of the file (empty: none)')
    const record = await certificates.import(octets, { for: facts.name, ...(password ? { password } : {}) })
    return `"${record.friendlyName}" is imported and assigned to "${facts.name}".`
  },
}

const renew: Branch = {
  label: 'Renew the current certificate',
  offered: worn,
  async run({ certificates }, { facts, assigned }) {
    const key = await choose('Keep the key?', [
      { value: 'keep', label: 'Keep the key' },
      { value: 'new', label: 'Make a new key' },
    ])
    const renewal = await certificates.renew(assigned?.thumbprint ?? '', { newKey: key === 'new' })
    if (renewal.state === 'renewed') return `The certificate of "${facts.name}" is renewed.`
    if (renewal.state === 'queued') return `The request waits at "${renewal.authority}" as number ${renewal.id}.`
    const file = await askFile('An outside authority issued it. File name for the request', 'certreq.txt')
    await checkOutput(file)
    await writeOutput(file, renewal.pem)
    return `The request is in ${file}; the old certificate stays in service until the answer is installed.`
  },
}

const remove: Branch = {
  label: 'Remove the current certificate',
  offered: worn,
  async run({ certificates }, { facts, assigned }) {
    const { issuedTo, notAfter } = await certificates.show(assigned?.thumbprint ?? '')
    await confirmed(`Remove the certificate of ${issuedTo} (expires ${notAfter.slice(0, 10)})? It stays in the store`)
    await certificates.remove(facts.name)
    return `"${facts.name}" has no certificate assigned now.`
  },
}

const replace: Branch = {
  label: 'Replace the current certificate',
  offered: worn,
  async run(session, { facts, assigned }) {
    const { record } = await session.certificates.replace(
      facts.name,
      await chooseCertificate(session, assigned?.thumbprint),
    )
    return `"${facts.name}" wears "${record.friendlyName}" now.`
  },
}

const exportFile: Branch = {
  label: 'Export the current certificate to a .pfx file',
  offered: worn,
  async run({ certificates }, { assigned }) {
    const file = await askFile('File name', 'certificate.pfx')
    await checkOutput(file)
    const password = await askPassword('Password for the file')
    await writeOutput(file, await certificates.export(assigned?.thumbprint ?? '', { format: 'pfx', password }), true)
    return `The certificate and its key are in ${file}.`
  },
}

/** Every branch, in the order of the pages of the certificate wizard. */
export const branches: readonly Branch[] = [
  createBranch,
  assign,
  importFile,
  processPending,
  deletePending,
  renew,
  remove,
  replace,
  exportFile,
]
