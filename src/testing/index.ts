import '../core/async/disposal.ts'

export type { AccountChanges } from '../accounts/directory/types.ts'
export type { Unsubscribe } from '../api/lab.ts'
export type { UnsubscribeAnswer } from '../api/messages/unsubscribe.ts'
export {
  AuditError,
  type AuditOptions,
  type AuditResult,
  type AuditTarget,
  type Client,
  type Disclosure,
  type Verdict,
} from '../checks/audit/index.ts'
export { ConfigError } from '../core/config/mistakes.ts'
export type { AccountState, QuotaInput } from '../core/config/schema/directory.ts'
export type { DnsDefectInput } from '../core/config/schema/dns.ts'
export type { Fault } from '../core/config/schema/fault.ts'
export type { OutOfOffice, OutOfOfficeInput } from '../core/config/schema/reports.ts'
export type { LabInput, Protocol } from '../core/config/schema.ts'
export type { MemoryUsage } from '../core/octets/memory-budget.ts'
export type { SessionRecord, TlsFacts, TranscriptEntry } from '../core/sessions/types.ts'
export type { Clock } from '../core/time/clock.ts'
export type { FaultDecision, FaultFunction, FaultInput, ScriptedFaultInput } from '../lab/lab-faults.ts'
export type { Finding } from '../mail/checks/findings.ts'
export type { Attachment } from '../mail/format/attachments.ts'
export type { CalendarEvent, EventAttendee, EventPerson, EventTime } from '../mail/format/calendar.ts'
export type { CodeCandidate } from '../mail/format/codes.ts'
export type { DraftAttachment, MessageDraft } from '../mail/format/compose.ts'
export type { MessageImage, MessageLink } from '../mail/format/links.ts'
export type { MessageJson, ReadableAddress, ReadableMessage } from '../mail/format/readable.ts'
export type { SentBy } from '../mail/format/sent-by.ts'
export type {
  CompressedLayer,
  EncryptedLayer,
  SignedLayer,
  SignerFacts,
  SmimeFacts,
  SmimeLayer,
  SmimeRecipient,
} from '../mail/smime/types.ts'
export type { FaultCommand } from '../net/faults/fault-command.ts'
export { ListenError } from '../net/ports.ts'
export type { AcmeAuthority } from '../tls/pki/acme/client/authority.ts'
export type { RolloverOptions as AcmeRolloverOptions } from '../tls/pki/acme/client/rollover.ts'
export type { Authorities } from '../tls/pki/authority/authorities.ts'
export type { AuthorityOptions } from '../tls/pki/authority/create.ts'
export type { AuthorityEntry, AuthorityFormat } from '../tls/pki/authority/list.ts'
export type {
  IssueOptions as AuthorityIssueOptions,
  Submitted as SubmittedRequest,
} from '../tls/pki/authority/queue.ts'
export type { RenewAuthorityOptions, RenewedAuthority } from '../tls/pki/authority/renew.ts'
export type {
  IssuedUser as IssuedUserCertificate,
  SignOptions,
  UserOptions as UserCertificateOptions,
} from '../tls/pki/authority/sign.ts'
export { PkiError, type PkiErrorCode } from '../tls/pki/errors.ts'
export type { Assignment as CertificateAssignment, Removal as CertificateRemoval } from '../tls/pki/lifecycle/assign.ts'
export type { Certificates } from '../tls/pki/lifecycle/certificates.ts'
export type {
  ExportFormat as CertificateExportFormat,
  ExportOptions as CertificateExportOptions,
  ImportOptions as CertificateImportOptions,
} from '../tls/pki/lifecycle/import-export.ts'
export type { InstallOptions, InstallSummary, PlannedInstall } from '../tls/pki/lifecycle/install.ts'
export type { IssueOutcome, QueueOutcome } from '../tls/pki/lifecycle/issue.ts'
export type { CertificateDetails, CertificateEntry } from '../tls/pki/lifecycle/list.ts'
export type { CertificateProblem } from '../tls/pki/lifecycle/problems.ts'
export type {
  Renamed as RenamedCertificate,
  RenameOptions as CertificateRenameOptions,
} from '../tls/pki/lifecycle/rename.ts'
export type {
  Renewal as CertificateRenewal,
  RenewOptions as CertificateRenewOptions,
} from '../tls/pki/lifecycle/renew.ts'
export type {
  PlannedRequest,
  PreparedRequest,
  RequestOptions as CertificateRequestOptions,
} from '../tls/pki/lifecycle/request.ts'
export type { CertificateWarning } from '../tls/pki/lifecycle/warnings.ts'
export type { PublishedCrl } from '../tls/pki/revocation/revoke.ts'
export { OutgoingRefused } from '../transport/outgoing/types.ts'
export { auditClient } from './audit-client.ts'
export type {
  AccessTokenOptions,
  AccountChangesInput,
  AccountQuota,
  Credentials,
  SigningAlgorithm,
  TokenDefect,
} from './lab/accounts.ts'
export type { LabClock } from './lab/clock.ts'
export type { AddedDns, DnsQuery, TestDns as LabDns } from './lab/dns.ts'
export type { AddedFault, FaultHit, TestFaults as LabFaults } from './lab/faults.ts'
export type { LabServer } from './lab/lab-server.ts'
export type { MailboxRef } from './lab/mailboxes.ts'
export { type EncryptionWish, type LabMatchers, matchers } from './matchers/matchers.ts'
export type { DeliverOptions, Recipients } from './outgoing/mailing-lab.ts'
export type { OutgoingFilter, OutgoingQuery, QueuedMail, ReleaseOptions } from './outgoing/outgoing.ts'
export type { BounceOptions, ComplaintOptions } from './outgoing/reports.ts'
export type { EventOptions, EventStream, LabEvents, Subscription } from './received/events.ts'
export type { MessageFilter } from './received/filter.ts'
export type { LabArticle, LabMessage, LabMessageJson, Smime } from './received/message.ts'
export { SomethingSent } from './received/nothing-sent.ts'
export type { PreviewBrowser, PreviewOptions } from './received/preview.ts'
export type { MessageQuery, Receiver, SessionQuery } from './received/receiver.ts'
export type { Refusal, SessionFilter } from './received/sessions.ts'
export type { UnsubscribeFilter } from './received/unsubscribes.ts'
export { type StartLabOptions, startLab } from './start-lab.ts'
export type { Tenant } from './tenants/tenant.ts'
export type { CertificateSetting, DisconnectOptions, TestLab } from './test-lab.ts'
export type { WaitOptions } from './waits/wait.ts'
export { WaitTimeout } from './waits/wait-timeout.ts'
