import { isIP } from 'node:net'
import { zipOf } from '../../../src/core/files/zip.ts'
import type { ServerContext } from '../../service.ts'
import { DEFAULT_CLIENT } from './clients.ts'
import { PATHS } from './paths.ts'

/**
 * Returns the add-on with which Thunderbird 140 and later knows the lab as a provider of OAuth. It is a manifest alone.
 * https://webextension-api.thunderbird.net/en/mv3/oauthProvider.html
 */
export async function thunderbirdAddOn({ oauth2, labNames, clock }: ServerContext): Promise<Response> {
  const issuer = new URL(oauth2.settings.issuer)
  // Thunderbird finds a provider by the name of the mail server, and only if the name has a dot.
  const hostnames = new Set([...labNames.filter((name) => name.includes('.') && isIP(name) === 0), '127.0.0.1'])
  const manifest = {
    manifest_version: 3,
    name: `Sealpost lab ${issuer.host}`,
    description: 'Lets Thunderbird log on to a Sealpost lab by OAuth 2.0.',
    version: '1.0',
    browser_specific_settings: {
      gecko: { id: `sealpost-${issuer.port || 'lab'}@${issuer.hostname}`, strict_min_version: '140.0' },
    },
    oauth_provider: {
      issuer: issuer.host,
      clientId: DEFAULT_CLIENT.clientId,
      authorizationEndpoint: new URL(PATHS.authorization, issuer).href,
      tokenEndpoint: new URL(PATHS.token, issuer).href,
      redirectionEndpoint: 'http://localhost',
      scopes: oauth2.allScopes.join(' '),
      usePKCE: true,
      hostnames: [...hostnames],
    },
  }
  const octets = Buffer.from(JSON.stringify(manifest, undefined, 2))
  async function* files() {
    yield { name: 'manifest.json', octets, modifiedAt: clock.now() }
  }
  return new Response(new Uint8Array(await zipOf(files())), {
    headers: {
      'Content-Type': 'application/x-xpinstall',
      'Content-Disposition': 'attachment; filename="sealpost-lab.xpi"',
    },
  })
}
