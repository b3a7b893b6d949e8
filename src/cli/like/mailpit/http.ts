import { limitConsole } from '../console-users.ts'
import { likeIn, serverOf } from '../draft.ts'
import { useCertificate } from '../tls.ts'
import type { Setting, SettingCall } from '../tool.ts'
import { credentialsIn, isOn, listenAt, textOf } from '../values.ts'

const limitTo = ({ draft, origin }: SettingCall, text: string): void => limitConsole(draft, credentialsIn(text), origin)

const NO_CHECKS = 'the lab checks neither links nor HTML'

export const httpSettings: readonly Setting[] = [
  {
    variable: 'MP_UI_BIND_ADDR',
    flags: ['--listen', '-l'],
    becomes: '`address` and `port` of the HTTP virtual server',
    apply: ({ draft, value }) => listenAt(serverOf(draft, 'http'), value),
  },
  {
    variable: 'MP_WEBROOT',
    flags: ['--webroot'],
    becomes: '`like.path` of the HTTP virtual server',
    apply({ draft, value }) {
      const path = `/${value.replaceAll(/^\/+|\/+$/g, '')}`
      if (path !== '/') likeIn(draft).path = path
    },
  },
  {
    variable: 'MP_UI_AUTH',
    becomes: '`directory.accounts`, `like.users` and `administrators`',
    apply: (call) => limitTo(call, call.value),
  },
  {
    variable: 'MP_UI_AUTH_FILE',
    flags: ['--ui-auth-file'],
    becomes: '`directory.accounts`, `like.users` and `administrators`',
    apply: (call) => limitTo(call, textOf(call.path(call.value))),
  },
  {
    variable: 'MP_UI_TLS_CERT',
    aliases: ['MP_UI_SSL_CERT'],
    flags: ['--ui-tls-cert', '--ui-ssl-cert'],
    becomes: '`certificate` of the HTTP virtual server, whose port takes TLS only',
    apply(call) {
      useCertificate(call, 'http', 'MP_UI_TLS_KEY')
      const http = serverOf(call.draft, 'http')
      Object.assign(http, { tlsPort: http.port, port: 'off' })
    },
  },
  {
    variable: 'MP_UI_TLS_KEY',
    aliases: ['MP_UI_SSL_KEY'],
    flags: ['--ui-tls-key', '--ui-ssl-key'],
    with: ['MP_UI_TLS_CERT'],
  },
  {
    variable: 'MP_API_CORS',
    flags: ['--api-cors'],
    missing: 'pages of other sites may not use the lab',
  },
  {
    variable: 'MP_BLOCK_REMOTE_CSS_AND_FONTS',
    flags: ['--block-remote-css-and-fonts'],
    isSwitch: true,
    always: 'messages load nothing from other hosts',
  },
  {
    variable: 'MP_ALLOW_INTERNAL_HTTP_REQUESTS',
    flags: ['--allow-internal-http-requests'],
    isSwitch: true,
    missing: NO_CHECKS,
  },
  {
    variable: 'MP_DISABLE_LINK_CHECK_RATE_LIMIT',
    flags: ['--disable-link-check-rate-limit'],
    isSwitch: true,
    missing: NO_CHECKS,
  },
  {
    variable: 'MP_ALLOW_UNTRUSTED_TLS',
    flags: ['--allow-untrusted-tls'],
    isSwitch: true,
    missing: NO_CHECKS,
  },
  {
    variable: 'MP_DISABLE_HTML_CHECK',
    flags: ['--disable-html-check'],
    isSwitch: true,
    always: 'there is no check of HTML',
  },
  {
    variable: 'MP_ENABLE_SPAMASSASSIN',
    flags: ['--enable-spamassassin'],
    missing: 'the lab does not use SpamAssassin',
  },
  {
    variable: 'MP_DISABLE_HTTP_COMPRESSION',
    flags: ['--disable-http-compression'],
    isSwitch: true,
    always: 'answers of the API are not compressed',
  },
  {
    variable: 'MP_HIDE_DELETE_ALL_BUTTON',
    flags: ['--hide-delete-all-button'],
    isSwitch: true,
    missing: 'the console deletes what is selected, and undoes it for ten seconds',
  },
  {
    variable: 'MP_SEND_API_AUTH',
    missing: 'the send API takes the credentials of MP_UI_AUTH',
  },
  {
    variable: 'MP_SEND_API_AUTH_FILE',
    flags: ['--send-api-auth-file'],
    missing: 'the send API takes the credentials of MP_UI_AUTH_FILE',
  },
  {
    variable: 'MP_SEND_API_AUTH_ACCEPT_ANY',
    flags: ['--send-api-auth-accept-any'],
    isSwitch: true,
    becomes: 'nothing without MP_UI_AUTH; with it, the send API still takes its credentials',
    apply({ draft, value, other, origin }) {
      if (!isOn(value) || (other('MP_UI_AUTH') ?? other('MP_UI_AUTH_FILE')) === undefined) return
      draft.notes.push(`${origin}: has no effect: the send API takes the credentials of MP_UI_AUTH`)
    },
  },
  {
    variable: 'MP_ENABLE_PROMETHEUS',
    flags: ['--enable-prometheus'],
    becomes: 'nothing: `/metrics` is always there, with other names, for administrators and readers',
    apply({ draft, value, origin }) {
      if (value === 'false') return
      draft.notes.push(
        `${origin}: /metrics is on the HTTP port, for administrators and readers; its metrics have other names`,
      )
    },
  },
]
