import { parsePart } from '../../../src/core/config/issues.ts'
import { mailAuthentication } from '../../../src/core/config/schema/mail-authentication.ts'
import { type Clock, systemClock } from '../../../src/core/time/clock.ts'
import type { StoreFiles } from '../../../src/tls/pki/certificate-store/files.ts'
import { memoryFiles } from '../../../src/tls/pki/certificate-store/memory-files.ts'
import type { CertificateStore } from '../../../src/tls/pki/certificate-store/types.ts'
import { MailAuthentication } from '../../../src/transport/mail-authentication/mail-authentication.ts'

interface Services {
  readonly files?: StoreFiles
  readonly clock?: Clock
}

/** Creates the authentication of a lab without DNS. @param input the configuration key `mail.authentication` */
export const authenticationWith = (
  input: object,
  { files = memoryFiles(), clock = systemClock }: Services = {},
): MailAuthentication =>
  new MailAuthentication({
    config: {
      hostname: 'mx.lab.test',
      mail: { authentication: parsePart(mailAuthentication, input) },
      webhooks: [],
      testing: { verify: { targets: [] } },
    },
    dns: { resolver: undefined },
    // Only its files are used, unless logos are fetched.
    certificateStore: { files } as CertificateStore,
    clock,
  })
