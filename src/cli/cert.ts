import type { Command } from 'commander'
import { addAcmeAccount } from './cert/acme-account.ts'
import { addAssign } from './cert/assign.ts'
import { addCopy } from './cert/copy.ts'
import { addInstall } from './cert/install.ts'
import { addIssue, addRenew } from './cert/issue.ts'
import { addCertificateLists } from './cert/list.ts'
import { addPending, addRequest } from './cert/request.ts'
import { addExport, addImport } from './cert/transfer.ts'
import { addWizard } from './wizard/wizard.ts'

/** Adds `sealpost cert`. */
export function addCert(program: Command): void {
  const cert = program
    .command('cert')
    .description('request, install, replace and remove certificates of virtual servers')
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
