import type { Command } from 'commander'
import { addAcmeAccount } from './acme-account.ts'
import { addAssign } from './assign.ts'
import { addCopy } from './copy.ts'
import { addInstall } from './install.ts'
import { addIssue, addRenew } from './issue.ts'
import { addCertificateLists } from './list.ts'
import { addPending, addRequest } from './request.ts'
import { addExport, addImport } from './transfer.ts'
import { addWizard } from './wizard/wizard.ts'

/** Adds `sealpost cert`. */
export function addCert(program: Command): void {
  const cert = program.command('cert')
  for (const add of [
    addRequest,
    addPending,
    addInstall,
    addIssue,
    addAssign,
    addCopy,
    addRenew,
    addImport,
    addExport,
    addCertificateLists,
    addAcmeAccount,
    addWizard,
  ]) {
    add(cert)
  }
}
