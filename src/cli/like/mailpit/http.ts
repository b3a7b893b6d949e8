import { limitConsole } from '../console-users.ts'
import { serverOf } from '../draft.ts'
import { appliedBy, corsOrigins, listenSetting, missingSettings, redundantSettings, setting, webPath } from '../rows.ts'
import { useCertificate, useImplicitTls } from '../tls.ts'
import type { Setting, SettingCall } from '../tool.ts'
import { credentialsIn, isOn, readText } from '../values.ts'

const limitTo = ({ draft, origin }: SettingCall, text: string): void => limitConsole(draft, credentialsIn(text), origin)

export const httpSettings: readonly Setting[] = [
  listenSetting('MP_UI_BIND_ADDR --listen -l', 'http'),
  webPath('MP_WEBROOT --webroot'),
  setting('MP_UI_AUTH', '`directory.accounts`, `like.users` and `access.administrators`', (call) =>
    limitTo(call, call.value),
  ),
  setting('MP_UI_AUTH_FILE --ui-auth-file', '`directory.accounts`, `like.users` and `access.administrators`', (call) =>
    limitTo(call, readText(call.path(call.value))),
  ),
  setting(
    'MP_UI_TLS_CERT MP_UI_SSL_CERT --ui-tls-cert --ui-ssl-cert',
    '`certificate` of the HTTP virtual server, whose port takes TLS only',
    (call) => {
      useCertificate(call, 'http', 'MP_UI_TLS_KEY')
      useImplicitTls(serverOf(call.draft, 'http'))
    },
  ),
  ...appliedBy(['MP_UI_TLS_CERT'], 'MP_UI_TLS_KEY MP_UI_SSL_KEY --ui-tls-key --ui-ssl-key'),
  corsOrigins('MP_API_CORS --api-cors'),
  ...redundantSettings(
    'messages load nothing from other hosts',
    'MP_BLOCK_REMOTE_CSS_AND_FONTS --block-remote-css-and-fonts!',
  ),
  ...redundantSettings(
    'the check of links asks loopback addresses and hosts of `testing.verify.targets`',
    'MP_ALLOW_INTERNAL_HTTP_REQUESTS --allow-internal-http-requests!',
  ),
  ...redundantSettings(
    'requests for links have no rate',
    'MP_DISABLE_LINK_CHECK_RATE_LIMIT --disable-link-check-rate-limit!',
  ),
  ...missingSettings(
    'certificates are verified with the roots of the lab and of the system',
    'MP_ALLOW_UNTRUSTED_TLS --allow-untrusted-tls!',
  ),
  ...missingSettings('html-check is always there', 'MP_DISABLE_HTML_CHECK --disable-html-check!'),
  setting('MP_ENABLE_SPAMASSASSIN --enable-spamassassin', '`mail.spamFilter`', ({ draft, value }) => {
    if (value === 'postmark') throw new Error('the lab sends no mail to Postmark; name a spamd as HOST:PORT')
    draft.lab.mail.spamFilter = value.startsWith('unix:')
      ? `spamd://${value.slice('unix:'.length)}`
      : `spamd://${value}`
  }),
  ...redundantSettings(
    'responses of the API are not compressed',
    'MP_DISABLE_HTTP_COMPRESSION --disable-http-compression!',
  ),
  ...missingSettings(
    'the console deletes what is selected, and undoes it for ten seconds',
    'MP_HIDE_DELETE_ALL_BUTTON --hide-delete-all-button!',
  ),
  ...missingSettings('the send API takes the credentials of MP_UI_AUTH', 'MP_SEND_API_AUTH'),
  ...missingSettings(
    'the send API takes the credentials of MP_UI_AUTH_FILE',
    'MP_SEND_API_AUTH_FILE --send-api-auth-file',
  ),
  setting(
    'MP_SEND_API_AUTH_ACCEPT_ANY --send-api-auth-accept-any!',
    'nothing without MP_UI_AUTH; with it, the send API still takes its credentials',
    ({ draft, value, other, origin }) => {
      if (!isOn(value) || (other('MP_UI_AUTH') ?? other('MP_UI_AUTH_FILE')) === undefined) return
      draft.notes.push(`${origin}: has no effect: the send API takes the credentials of MP_UI_AUTH`)
    },
  ),
  setting(
    'MP_ENABLE_PROMETHEUS --enable-prometheus',
    'nothing: `/metrics` is always there, with other names, for administrators and readers',
    ({ draft, value, origin }) => {
      if (value === 'false') return
      draft.notes.push(
        `${origin}: /metrics is on the HTTP port, for administrators and readers; its metrics have other names`,
      )
    },
  ),
]
