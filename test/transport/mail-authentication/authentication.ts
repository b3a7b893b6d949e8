import { parsePart } from '../../../src/core/config/issues.ts'
import { mailAuthentication } from '../../../src/core/config/schema/mail-authentication.ts'
import { memoryFiles } from '../../../src/tls/pki/certificate-store/memory-files.ts'
import { MailAuthentication } from '../../../src/transport/mail-authentication/mail-authentication.ts'

/** Creates the authentication of a lab without DNS. @param input the configuration key `mailAuthentication` */
export const authenticationWith = (input: object, files = memoryFiles()): MailAuthentication =>
  new MailAuthentication({
    config: { hostname: 'mx.lab.test', mail: { authentication: parsePart(mailAuthentication, input) } },
    dns: { resolver: undefined },
    certificateStore: { files },
    clock: { now: () => Date.now() },
  })
