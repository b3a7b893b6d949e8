import type { Context, Hono } from 'hono'
import type { Api } from '../../src/api/api.ts'
import { autoconfig, autodiscover, autodiscoverError } from '../../src/api/client-settings/documents.ts'
import { runningLab } from '../../src/api/client-settings/operations.ts'
import { PACC_PATH, paccDocument, paccHost } from '../../src/api/client-settings/pacc.ts'
import { type Settings, settingsOfAddress } from '../../src/api/client-settings/settings.ts'
import type { ServerContext } from '../service.ts'
import { bodyOf } from './body.ts'
import type { Env } from './env.ts'

const AUTOCONFIG = ['/.well-known/autoconfig/mail/config-v1.1.xml', '/mail/config-v1.1.xml']
const AUTODISCOVER = '/autodiscover/autodiscover.xml'
const AUTODISCOVER_JSON = '/autodiscover/autodiscover.json'
/** RFC 9728 section 3. */
const RESOURCE = '/.well-known/oauth-protected-resource'

/** Longest request of autodiscover. */
const MAX_REQUEST_OCTETS = 16 * 1024

/** Returns whether a path is one at which mail programs look for settings, before they know any name or password. */
export const isClientSetup = (path: string): boolean =>
  [...AUTOCONFIG, PACC_PATH, RESOURCE].includes(path) || /^\/autodiscover\//i.test(path)

/** Returns the names by which mail programs look for settings: those of the mail domain. */
export const setupNames = ({ directory: { domain } }: ServerContext): string[] => [
  domain,
  `autoconfig.${domain}`,
  `autodiscover.${domain}`,
  paccHost(domain),
]

/** Adds the paths. The answers have no password, and do not tell which accounts exist: people log on by their address. */
export function clientSetupRoutes(app: Hono<Env>, api: Api, context: ServerContext): void {
  app.get(PACC_PATH, (c, next) => {
    const { settings } = context.latest().oauth2
    if (!settings.mailClients) return next()
    return c.body(paccDocument(api.lab.config, settings.issuer), 200, { 'Content-Type': 'application/json' })
  })
  app.get(RESOURCE, (c, next) => {
    const { oauth2 } = context.latest()
    if (!oauth2.settings.mailClients) return next()
    return c.json({
      resource: baseUrl(c),
      authorization_servers: [oauth2.settings.issuer],
      scopes_supported: oauth2.allScopes,
      bearer_methods_supported: ['header'],
    })
  })
  const xml = (c: Context<Env>, text: string): Response => c.body(text, 200, { 'Content-Type': 'application/xml' })
  for (const path of AUTOCONFIG) {
    app.get(path, (c) => xml(c, autoconfig(settingsFor(api, c.req.query('emailaddress') ?? '%EMAILADDRESS%'))))
  }
  for (const path of [AUTODISCOVER, '/Autodiscover/Autodiscover.xml', '/AutoDiscover/AutoDiscover.xml']) {
    app.post(path, async (c) => {
      const request = (await bodyOf(c, MAX_REQUEST_OCTETS)).toString('utf8')
      const address = elementIn(request, 'EMailAddress')
      // [MS-OXDSCLI] section 2.2.3: a request without an address is answered with an error.
      return xml(c, address?.includes('@') ? autodiscover(settingsFor(api, address)) : autodiscoverError())
    })
  }
  for (const path of [AUTODISCOVER_JSON, `${AUTODISCOVER_JSON}/v1.0/:address`]) {
    app.get(path, (c) => {
      const protocol = c.req.query('Protocol') ?? ''
      if (protocol.toLowerCase() !== 'autodiscoverv1') {
        const message = `The given protocol value '${protocol}' is invalid. Supported values are 'AutodiscoverV1'`
        return c.json({ ErrorCode: 'InvalidProtocol', ErrorMessage: message }, 400)
      }
      return c.json({ Protocol: 'AutodiscoverV1', Url: new URL(AUTODISCOVER, baseUrl(c)).href })
    })
  }
}

/** Returns the URL of this virtual server, as the client sees it. */
function baseUrl(c: Context<Env>): string {
  const { host, channel } = c.get('origin')
  return host === undefined ? c.req.url : `${channel.secure ? 'https' : 'http'}://${host}`
}

/** Returns the settings of anyone with this address. */
const settingsFor = (api: Api, address: string): Settings => settingsOfAddress(runningLab(api), address)

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Returns the text of the first element with a name, in any namespace. */
function elementIn(text: string, name: string): string | undefined {
  const found = new RegExp(`<(?:[\\w-]{1,40}:)?${name}>([^<]{1,320})<`).exec(text)?.[1]
  return found?.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => entities[entity] ?? '').trim()
}
