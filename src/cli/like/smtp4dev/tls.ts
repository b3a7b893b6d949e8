import { extname } from 'node:path'
import { serverOf } from '../draft.ts'
import { useCertificate, useImplicitTls } from '../tls.ts'
import type { Setting, SettingCall } from '../tool.ts'
import { isOn } from '../values.ts'

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

const requireTls = (variable: string, flag: string, key: string): Setting => ({
  variable,
  flags: [flag],
  isSwitch: true,
  becomes: `\`requireSecureChannel\` of the ${key.toUpperCase()} virtual server`,
  apply({ draft, value }) {
    if (isOn(value)) serverOf(draft, key).requireSecureChannel = true
  },
})

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
  {
    variable: 'ServerOptions__Pop3TlsMode',
    flags: ['--pop3tlsmode'],
    becomes: 'the same for the POP3 virtual server',
    apply: (call) => useTls(call, 'pop3'),
  },
  { variable: 'ServerOptions__TlsCertificate', flags: ['--tlscertificate'], with: [WITH] },
  { variable: 'ServerOptions__TlsCertificatePrivateKey', flags: ['--tlscertificateprivatekey'], with: [WITH] },
  {
    variable: 'ServerOptions__TlsCertificatePassword',
    flags: ['--tlscertificatepassword'],
    missing: 'the key must be a PEM file without a password',
  },
  {
    variable: 'ServerOptions__TlsCertificateStoreThumbprint',
    flags: ['--tlscertificatestorethumbprint'],
    missing: 'the lab does not read the store of Windows; name PEM files',
  },
  requireTls('ServerOptions__SecureConnectionRequired', '--secureconnectionrequired', 'smtp'),
  requireTls('ServerOptions__Pop3SecureConnectionRequired', '--pop3secureconnectionrequired', 'pop3'),
  { variable: 'ServerOptions__SslProtocols', flags: ['--sslprotocols'], missing: IN_YAML },
  { variable: 'ServerOptions__TlsCipherSuites', flags: ['--tlsciphersuites'], missing: IN_YAML },
]
