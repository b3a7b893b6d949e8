import type { Command } from 'commander'
import { acme } from '../../core/config/schema/acme.ts'
import { placedLabFacts } from '../../lab/certificates/lab-facts.ts'
import { AcmeDirectories, acmePath, DEFAULT_ACME_DIRECTORY } from '../../tls/pki/acme/directory.ts'
import { acmeOptions } from '../../tls/pki/acme/options.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { AuthorityService } from '../../tls/pki/service/service.ts'
import { openStoreOf } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, loadConfiguration, withConfig } from '../shared/configuration.ts'
import { createLog } from '../shared/log.ts'
import { portNumber } from '../shared/options.ts'
import { print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface ServeFlags extends ConfigurationOptions {
  readonly address?: string
  readonly port?: number
  readonly tlsPort?: number
  readonly acmeHttpPort?: number
  readonly acmeTlsAlpnPort?: number
}

/** The settings of a configuration without `certificates.service`. */
const defaults = {
  address: '127.0.0.1',
  port: 8080,
  tlsPort: 'off' as const,
  acme: acme.parse({}),
}

/** Adds `sealpost ca serve`: the authority service without virtual servers. */
export function addServe(ca: Command): void {
  withConfig(ca.command('serve'))
    .description(
      'run the HTTP service of the authorities: ACME, revocation lists, OCSP and the roots, until SIGINT or SIGTERM',
    )
    .option('--address <address>', 'address to listen on')
    .option('--port <number>', 'HTTP port', portNumber)
    .option('--tls-port <number>', 'additional HTTPS port', portNumber)
    .option('--acme-http-port <number>', 'port on which ACME clients answer http-01 challenges', portNumber)
    .option('--acme-tls-alpn-port <number>', 'port on which ACME clients answer tls-alpn-01 challenges', portNumber)
    .addOption(sharedOptions.json)
    .action(serve)
}

async function serve(flags: ServeFlags): Promise<void> {
  const configuration = await loadConfiguration(flags)
  const { lab } = configuration
  const log = createLog(lab.logLevel, flags.json ?? false)
  const configured = lab.certificates.service ?? defaults
  const tlsPort = flags.tlsPort ?? configured.tlsPort
  await using opened = await openStoreOf(lab, { log })
  const { store } = opened
  const options = acmeOptions({
    ...configured.acme,
    ...(flags.acmeHttpPort ? { httpPort: flags.acmeHttpPort } : {}),
    ...(flags.acmeTlsAlpnPort ? { tlsAlpnPort: flags.acmeTlsAlpnPort } : {}),
  })
  const directories = new AcmeDirectories(store, options, log)
  await using service = await AuthorityService.open(store, {
    address: flags.address ?? configured.address,
    port: flags.port ?? configured.port,
    hostname: lab.hostname,
    log,
    ...(tlsPort === 'off' ? {} : { tls: { port: tlsPort, names: placedLabFacts(configuration).names } }),
    routes: () => directories.routes(),
  })
  printReady(flags, service, store, lab.hostname)
  await new Promise((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
}

function printReady(
  flags: ServeFlags,
  { url, tlsPort }: AuthorityService,
  store: CertificateStore,
  hostname: string,
): void {
  const base = tlsPort === undefined ? url : `https://${hostname}:${tlsPort}`
  const directories = store.index.authorities.map(({ name }) => ({
    authority: name,
    acme: `${base}${acmePath(name)}/directory`,
  }))
  const acme = `${base}${DEFAULT_ACME_DIRECTORY}`
  if (flags.json) return print(JSON.stringify({ event: 'ready', url, root: `${url}/root.pem`, acme, directories }))
  print(`Authority service: ${url}; root certificates for clients: ${url}/root.pem`)
  print(`ACME directory: ${acme}`)
  for (const { authority, acme } of directories) print(`"${authority}": ACME directory ${acme}`)
  print('ready')
}
