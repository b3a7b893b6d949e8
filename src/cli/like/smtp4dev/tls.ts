import { extname } from 'node:path'
import { serverOf } from '../draft.ts'
import { appliedBy, missingSettings, requireTls, setting } from '../rows.ts'
import { useCertificate, useImplicitTls } from '../tls.ts'
import type { Setting, SettingCall } from '../tool.ts'

/** Gives a virtual server the certificate of the settings, or one of the lab, and TLS in the given way. @throws Error */
function useTls(call: SettingCall, key: string): void {
  const mode = call.value.toLowerCase()
  if (mode === 'none') return
  if (mode !== 'starttls' && mode !== 'implicittls')
    throw new Error(`"${call.value}" is not a TLS mode; write None, StartTls or ImplicitTls`)
  const server = serverOf(call.draft, key)
  const file = call.other('ServerOptions__TlsCertificate')
  if (file === undefined) server.certificate = 'auto'
  else if (/^\.(?:pfx|p12)$/i.test(extname(file)))
    throw new Error(`${file} is a PKCS#12 file; write its certificate and key as PEM files`)
  else useCertificate({ ...call, value: file }, key, 'ServerOptions__TlsCertificatePrivateKey')
  if (mode === 'implicittls') useImplicitTls(server)
}

const WITH = 'ServerOptions__TlsMode'
const IN_YAML = 'the lab has its own TLS policy; save the configuration and write `tls`'

export const tlsSettings: readonly Setting[] = [
  {
    variable: WITH,
    flags: ['--tlsmode'],
    becomes:
      '`certificate` of the SMTP virtual server (of the lab, or the files); ImplicitTls: `tlsPort` in place of `port`',
    apply: (call) => useTls(call, 'smtp'),
  },
  setting('ServerOptions__Pop3TlsMode --pop3tlsmode', 'the same for the POP3 virtual server', (call) =>
    useTls(call, 'pop3'),
  ),
  ...appliedBy(
    [WITH],
    'ServerOptions__TlsCertificate --tlscertificate',
    'ServerOptions__TlsCertificatePrivateKey --tlscertificateprivatekey',
  ),
  ...missingSettings(
    'the key must be a PEM file without a password',
    'ServerOptions__TlsCertificatePassword --tlscertificatepassword',
  ),
  ...missingSettings(
    'the lab does not read the store of Windows; name PEM files',
    'ServerOptions__TlsCertificateStoreThumbprint --tlscertificatestorethumbprint',
  ),
  requireTls('ServerOptions__SecureConnectionRequired --secureconnectionrequired!', 'smtp'),
  requireTls('ServerOptions__Pop3SecureConnectionRequired --pop3secureconnectionrequired!', 'pop3'),
  ...missingSettings(
    IN_YAML,
    'ServerOptions__SslProtocols --sslprotocols',
    'ServerOptions__TlsCipherSuites --tlsciphersuites',
  ),
]
