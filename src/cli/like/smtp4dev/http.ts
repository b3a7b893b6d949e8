import { serverOf } from '../draft.ts'
import { missingSettings, redundantSettings, setting, switchSetting, webPath } from '../rows.ts'
import type { Draft, Setting } from '../tool.ts'
import { listenOn, portOf } from '../values.ts'

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

const NO_CHECKS = 'the checks of a message run when someone asks for them, and have no settings'

export const httpSettings: readonly Setting[] = [
  setting(
    'ServerOptions__Urls ASPNETCORE_URLS Urls --urls',
    '`address` and `port` of the HTTP virtual server; with https, `tlsPort` and a certificate of the lab',
    listenAtUrls,
  ),
  webPath('ServerOptions__BasePath --basepath'),
  switchSetting(
    'ServerOptions__LockSettings --locksettings!',
    '`configurationLocked` of the HTTP virtual server',
    (draft) => {
      serverOf(draft, 'http').configurationLocked = true
    },
  ),
  ...missingSettings(
    'HTML of messages never runs scripts here, and loads nothing',
    'ServerOptions__DisableMessageSanitisation --disablemessagesanitisation!',
  ),
  ...missingSettings(NO_CHECKS, 'ServerOptions__HtmlValidateConfig --HtmlValidateConfigfile'),
  ...redundantSettings(
    NO_CHECKS,
    'ServerOptions__DisableHtmlValidation',
    'ServerOptions__DisableHtmlCompatibilityCheck',
  ),
]
