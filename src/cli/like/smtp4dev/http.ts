import { likeIn, serverOf } from '../draft.ts'
import type { Draft, Setting } from '../tool.ts'
import { isOn, listenOn, portOf } from '../values.ts'

const URL = /^(https?):\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?\/?$/i

/** Sets where the HTTP virtual server listens. `*` and `+` are all addresses, as in ASP.NET Core. @throws Error */
function listenAtUrls({ draft, value }: { readonly draft: Draft; readonly value: string }): void {
  const [first = '', ...others] = value.split(';').map((url) => url.trim())
  const [, scheme = '', host = '', port] = URL.exec(first) ?? []
  if (scheme === '') throw new Error(`"${first}" is not a URL; write http://*:5000`)
  if (others.some((url) => url !== '')) throw new Error('names several URLs; keep one, such as http://*:5000')
  const http = serverOf(draft, 'http')
  const isSecure = scheme.toLowerCase() === 'https'
  listenOn(http, /^[*+]$/.test(host) ? '0.0.0.0' : host.replaceAll(/^\[|\]$/g, ''))
  const number = portOf(port ?? (isSecure ? '443' : '80'))
  if (isSecure) Object.assign(http, { port: 'off', tlsPort: number, certificate: 'auto' })
  else http.port = number
}

const NO_CHECKS = 'the lab checks no HTML'

export const httpSettings: readonly Setting[] = [
  {
    variable: 'ServerOptions__Urls',
    aliases: ['ASPNETCORE_URLS', 'Urls'],
    flags: ['--urls'],
    becomes: '`address` and `port` of the HTTP virtual server; with https, `tlsPort` and a certificate of the lab',
    apply: listenAtUrls,
  },
  {
    variable: 'ServerOptions__BasePath',
    flags: ['--basepath'],
    becomes: '`like.path` of the HTTP virtual server',
    apply({ draft, value }) {
      const path = `/${value.replaceAll(/^\/+|\/+$/g, '')}`
      if (path !== '/') likeIn(draft).path = path
    },
  },
  {
    variable: 'ServerOptions__LockSettings',
    flags: ['--locksettings'],
    isSwitch: true,
    becomes: '`configurationLocked` of the HTTP virtual server',
    apply({ draft, value }) {
      if (isOn(value)) serverOf(draft, 'http').configurationLocked = true
    },
  },
  {
    variable: 'ServerOptions__DisableMessageSanitisation',
    flags: ['--disablemessagesanitisation'],
    isSwitch: true,
    missing: 'HTML of messages never runs scripts here, and loads nothing',
  },
  { variable: 'ServerOptions__HtmlValidateConfig', flags: ['--HtmlValidateConfigfile'], missing: NO_CHECKS },
  { variable: 'ServerOptions__DisableHtmlValidation', always: NO_CHECKS },
  { variable: 'ServerOptions__DisableHtmlCompatibilityCheck', always: NO_CHECKS },
]
