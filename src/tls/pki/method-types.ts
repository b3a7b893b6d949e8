// The types of what the methods of `lab.certificates` and `lab.authorities` take and return, under their public names.
export type { AcmeAuthority } from './acme/client/authority.ts'
export type { RolloverOptions as AcmeRolloverOptions } from './acme/client/rollover.ts'
export type { AuthorityOptions } from './authority/create.ts'
export type { AuthorityEntry, AuthorityFormat } from './authority/list.ts'
export type { IssueOptions as AuthorityIssueOptions, Submitted as SubmittedRequest } from './authority/queue.ts'
export type { RenewAuthorityOptions, RenewedAuthority } from './authority/renew.ts'
export type {
  IssuedUser as IssuedUserCertificate,
  SignOptions,
  UserOptions as UserCertificateOptions,
} from './authority/sign.ts'
export type { Assignment as CertificateAssignment, Removal as CertificateRemoval } from './lifecycle/assign.ts'
export type {
  ExportFormat as CertificateExportFormat,
  ExportOptions as CertificateExportOptions,
  ImportOptions as CertificateImportOptions,
} from './lifecycle/import-export.ts'
export type { InstallOptions, InstallSummary, PlannedInstall } from './lifecycle/install.ts'
export type { IssueOutcome, QueueOutcome } from './lifecycle/issue.ts'
export type { CertificateDetails, CertificateEntry } from './lifecycle/list.ts'
export type { CertificateProblem } from './lifecycle/problems.ts'
export type { Renamed as RenamedCertificate, RenameOptions as CertificateRenameOptions } from './lifecycle/rename.ts'
export type { Renewal as CertificateRenewal, RenewOptions as CertificateRenewOptions } from './lifecycle/renew.ts'
export type {
  PlannedRequest,
  PreparedRequest,
  RequestOptions as CertificateRequestOptions,
} from './lifecycle/request.ts'
export type { CertificateWarning } from './lifecycle/warnings.ts'
export type { PublishedCrl } from './revocation/revoke.ts'
