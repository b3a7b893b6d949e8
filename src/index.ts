import './common/disposal.ts'

export type { AuditOptions } from './audit/audit.ts'
export type { Client } from './audit/run-client.ts'
export { AuditError, type AuditResult, type AuditTarget, type Disclosure, type Verdict } from './audit/types.ts'
export type { Clock } from './common/clock.ts'
export type { MemoryUsage } from './common/memory-budget.ts'
export { ConfigError } from './config/mistakes.ts'
export type { AccountState, QuotaInput } from './config/schema/directory.ts'
export type { DnsDefectInput } from './config/schema/dns.ts'
export type { Fault } from './config/schema/fault.ts'
export type { OutOfOffice, OutOfOfficeInput } from './config/schema/reports.ts'
export type { LabInput, Protocol } from './config/schema.ts'
export type { AccountChanges } from './directory/types.ts'
export type { FaultDecision, FaultFunction, FaultInput, ScriptedFaultInput } from './lab/lab-faults.ts'
export type { CodeCandidate } from './mail/codes.ts'
export type { DraftAttachment, MessageDraft } from './mail/compose.ts'
export type { Attachment, MessageJson, ReadableAddress, ReadableMessage } from './mail/readable.ts'
export type { FaultCommand } from './net/faults/fault-command.ts'
export { ListenError } from './net/ports.ts'
export { OutgoingRefused } from './outgoing/types.ts'
export type { Authorities } from './pki/authority/authorities.ts'
export { PkiError, type PkiErrorCode } from './pki/errors.ts'
export type { Certificates } from './pki/lifecycle/certificates.ts'
export type * from './pki/method-types.ts'
export type { SessionRecord, TlsFacts, TranscriptEntry } from './sessions/types.ts'
export type {
  CompressedLayer,
  EncryptedLayer,
  SignedLayer,
  SignerFacts,
  SmimeFacts,
  SmimeLayer,
  SmimeRecipient,
} from './smime/types.ts'
export { auditClient } from './testing/audit-client.ts'
export type {
  AccessTokenOptions,
  AccountChangesInput,
  AccountQuota,
  Credentials,
  SigningAlgorithm,
  TokenDefect,
} from './testing/lab/accounts.ts'
export type { LabClock } from './testing/lab/clock.ts'
export type { AddedDns, DnsQuery, TestDns as LabDns } from './testing/lab/dns.ts'
export type { AddedFault, FaultHit, TestFaults as LabFaults } from './testing/lab/faults.ts'
export type { LabServer } from './testing/lab/lab-server.ts'
export type { MailboxRef } from './testing/lab/mailboxes.ts'
export { type EncryptionWish, type LabMatchers, matchers } from './testing/matchers/matchers.ts'
export type { OutgoingFilter, OutgoingQuery, QueuedMail, ReleaseOptions } from './testing/outgoing/outgoing.ts'
export type { BounceOptions, ComplaintOptions } from './testing/outgoing/reports.ts'
export type { EventOptions, EventStream, LabEvents, Subscription } from './testing/received/events.ts'
export type { MessageFilter } from './testing/received/filter.ts'
export type { LabArticle, LabMessage, LabMessageJson, Smime } from './testing/received/message.ts'
export { SomethingSent } from './testing/received/nothing-sent.ts'
export type { MessageQuery, Receiver, SessionQuery } from './testing/received/receiver.ts'
export type { Refusal, SessionFilter } from './testing/received/sessions.ts'
export { type StartLabOptions, startLab } from './testing/start-lab.ts'
export type { Tenant } from './testing/tenants/tenant.ts'
export type {
  CertificateSetting,
  DeliverOptions,
  DisconnectOptions,
  Recipients,
  TestLab,
} from './testing/test-lab.ts'
export type { WaitOptions } from './testing/waits/wait.ts'
export { WaitTimeout } from './testing/waits/wait-timeout.ts'
