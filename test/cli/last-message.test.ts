import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { lastMessage } from '../../src/cli/audit/last-message.ts'

const JAVA = `Exception in thread "main" jakarta.mail.MessagingException: Could not convert socket to TLS;
  nested exception is:
\tjavax.net.ssl.SSLHandshakeException: PKIX path validation failed
\tat jakarta.mail/com.sun.mail.smtp.SMTPTransport.startTLS(SMTPTransport.java:2163)
Caused by: java.security.cert.CertPathValidatorException: validity check failed
\tat java.base/sun.security.validator.PKIXValidator.engineValidate(PKIXValidator.java:318)
\t... 21 more
`
const PYTHON = `Traceback (most recent call last):
  File "/usr/lib/python3.11/ssl.py", line 1382, in do_handshake
    self._sslobj.do_handshake()
ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired (_ssl.c:1006)
`
const CURL = `curl: (60) SSL certificate problem: certificate has expired
More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the webpage mentioned above.
`
const FETCHMAIL = `fetchmail: Server certificate verification error: certificate has expired
fetchmail: socket error while fetching from alice@localhost
`

it.each([
  ['Java', JAVA, 'Caused by: java.security.cert.CertPathValidatorException: validity check failed'],
  [
    'Python',
    PYTHON,
    'ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired (_ssl.c:1006)',
  ],
  ['curl', CURL, 'curl: (60) SSL certificate problem: certificate has expired'],
  ['fetchmail', FETCHMAIL, 'fetchmail: Server certificate verification error: certificate has expired'],
  ['a terminal program', '\x1b[2J\x1b[1;31mconnection refused\x1b[0m\r\n\r\n', 'connection refused'],
  ['a program that says nothing', ' \n\n', undefined],
])('finds the message of %s', (_, output, message) => {
  expect(lastMessage(output)).toBe(message)
})

it.each([
  ['throw new TypeError("no such mailbox")', 'TypeError: no such mailbox'],
  [
    'throw Object.assign(new Error("self-signed certificate"), { code: "E", reply: ["a", 1] })',
    'Error: self-signed certificate',
  ],
  ['Promise.reject(new Error("timeout"))', 'Error: timeout'],
])('finds the message of Node.js after %s', (program, message) => {
  let output = ''
  try {
    execFileSync(process.execPath, ['-e', program], { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    output = (error as { stderr: string }).stderr
  }
  expect(output).toContain('Node.js v')
  expect(lastMessage(output)).toBe(message)
})
