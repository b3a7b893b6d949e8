import { limitConsole } from '../console-users.ts'
import { likeIn, serverOf } from '../draft.ts'
import { useCertificate, useImplicitTls } from '../tls.ts'
import type { Setting } from '../tool.ts'
import { isOn, listenOn, portOf } from '../values.ts'

export const httpSettings: readonly Setting[] = [
  {
    variable: 'MAILDEV_WEB_PORT',
    flags: ['--web', '-w'],
    becomes: '`port` of the HTTP virtual server',
    apply({ draft, value }) {
      serverOf(draft, 'http').port = portOf(value)
    },
  },
  {
    variable: 'MAILDEV_WEB_IP',
    flags: ['--web-ip'],
    becomes: '`address` of the HTTP virtual server',
    apply: ({ draft, value }) => listenOn(serverOf(draft, 'http'), value),
  },
  {
    variable: 'MAILDEV_WEB_USER',
    flags: ['--web-user'],
    becomes: '`directory.accounts`, `like.users` and `administrators`',
    apply({ draft, value, other, origin }) {
      const password = other('MAILDEV_WEB_PASS')
      if (password === undefined) throw new Error('needs MAILDEV_WEB_PASS too')
      limitConsole(draft, [{ user: value, password }], origin)
    },
  },
  { variable: 'MAILDEV_WEB_PASS', flags: ['--web-pass'], with: ['MAILDEV_WEB_USER'] },
  {
    variable: 'MAILDEV_BASE_PATHNAME',
    flags: ['--base-pathname'],
    becomes: '`like.path` of the HTTP virtual server',
    apply({ draft, value }) {
      const path = `/${value.replaceAll(/^\/+|\/+$/g, '')}`
      if (path !== '/') likeIn(draft).path = path
    },
  },
  {
    variable: 'MAILDEV_HTTPS',
    flags: ['--https'],
    isSwitch: true,
    becomes: '`certificate` of the HTTP virtual server, whose port takes TLS only',
    apply(call) {
      if (!isOn(call.value)) return
      const certificate = call.other('MAILDEV_HTTPS_CERT')
      if (certificate === undefined) throw new Error('needs MAILDEV_HTTPS_CERT and MAILDEV_HTTPS_KEY')
      useCertificate({ ...call, value: certificate }, 'http', 'MAILDEV_HTTPS_KEY')
      useImplicitTls(serverOf(call.draft, 'http'))
    },
  },
  { variable: 'MAILDEV_HTTPS_CERT', flags: ['--https-cert'], with: ['MAILDEV_HTTPS'] },
  { variable: 'MAILDEV_HTTPS_KEY', flags: ['--https-key'], with: ['MAILDEV_HTTPS'] },
  // After the others, which need the virtual server.
  {
    variable: 'MAILDEV_DISABLE_WEB',
    flags: ['--disable-web'],
    isSwitch: true,
    becomes: 'no HTTP virtual server',
    apply({ draft, value }) {
      if (isOn(value)) draft.servers.delete('http')
    },
  },
]
