// Types of an ES module: every value that a public function takes or returns has a name.
import {
  type Attachment,
  type Authorities,
  type CertificateImportOptions,
  type Certificates,
  type DraftAttachment,
  type FaultInput,
  type LabInput,
  type LabMessage,
  type LabServer,
  type SessionRecord,
  startLab,
  type TestLab,
} from 'sealpost'

const fault: FaultInput = { when: { protocol: 'smtp', verb: 'RCPT' }, do: { reply: '451 4.3.0 Try later' }, times: 1 }
const config: LabInput = { virtualServers: [{ protocol: 'smtp', requireSecureChannel: true }] }

export async function check(): Promise<Attachment | undefined> {
  await using lab: TestLab = await startLab(config)
  lab.faults.add(fault)
  const server: LabServer = lab.server('smtp')
  const file: DraftAttachment = { filename: `${server.port}.txt`, content: 'x' }
  await lab.deliver({ subject: 'hello', attachments: [file] }, 'bob')
  const mail: LabMessage = await lab.waitForMessage({ to: 'bob', subject: /hello/ })
  const session: SessionRecord | undefined = mail.session
  const certificates: Certificates = lab.certificates
  const withPassword: CertificateImportOptions = { password: 'secret' }
  await certificates.import(Buffer.from(''), withPassword).catch(() => {})
  const authorities: Authorities = lab.authorities
  // @ts-expect-error a mistyped key
  await lab.waitForMessage({ subjct: 'x' })
  // @ts-expect-error a mistyped key
  await startLab({ hostnam: 'x' })
  return session && certificates && authorities ? mail.attachments[0] : undefined
}
