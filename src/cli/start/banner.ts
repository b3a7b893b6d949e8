import { likeOf, likeTitles } from '../../core/config/schema/like.ts'
import { protocolTitles } from '../../core/config/schema.ts'
import { isLoopback } from '../../core/network/ip-address.ts'
import type { VirtualServerStatus } from '../../lab/virtual-servers/virtual-servers.ts'
import { type Configuration, type ConfigurationOptions, configOption } from '../shared/configuration.ts'
import { print } from '../shared/output.ts'
import { printTable } from '../shared/table.ts'

/** Prints the virtual servers, what to try next, and the token that the lab has generated. */
export function printBanner(
  endpoints: readonly VirtualServerStatus[],
  configuration: Pick<Configuration, 'lab'>,
  options: Pick<ConfigurationOptions, 'config' | 'like'>,
  administratorToken: string | undefined,
  dns: { readonly address: string; readonly port: number } | undefined,
): void {
  printEndpoints(endpoints)
  if (dns) print(`DNS: ${dns.address} port ${dns.port} (UDP and TCP)`)
  for (const line of new Set(placesOf(configuration))) print(line)
  print('')
  const urls = httpAddresses(endpoints, configuration)
  print('Next:', 'bold')
  for (const line of nextLines(urls, administratorToken, commandsToTry(configuration, options))) print(`  ${line}`)
  print('')
  if (administratorToken === undefined) return
  print('HTTP API:', 'bold')
  for (const url of urls) print(`  ${url}`)
  print(`  administrator's token (until the lab stops): ${administratorToken}`)
  print('')
}

/** Returns the URLs of the HTTP virtual servers on this machine: where the console and the API of the lab are. */
export const httpAddresses = (
  endpoints: readonly VirtualServerStatus[],
  { lab }: Pick<Configuration, 'lab'>,
): string[] =>
  endpoints.flatMap(({ virtualServer, protocol, port, tlsPort, requireSecureChannel }) => {
    if (protocol !== 'http') return []
    const overTls = tlsPort !== undefined && (port === undefined || requireSecureChannel)
    const { like } = lab.virtualServers.find(({ name }) => name === virtualServer) ?? {}
    const root = overTls ? `https://localhost:${tlsPort}` : `http://localhost:${port}`
    return [like === undefined ? root : `${root}/sealpost`]
  })

/** Returns a line for each tool whose place the lab takes. */
function placesOf({ lab }: Pick<Configuration, 'lab'>): string[] {
  return lab.virtualServers.flatMap(({ like, address }) => {
    const { tool } = likeOf(like) ?? {}
    if (tool === undefined) return []
    const where = isLoopback(address) ? ' on this machine only. For other machines, set SEALPOST_ADDRESS=0.0.0.0' : ''
    return [`Replaces ${likeTitles[tool]}${where}`]
  })
}

/** 80 columns without the indentation. */
const MAX_LINE = 78

/** Something to try, and its purpose. */
type Row = readonly [what: string, purpose: string]

/** Returns the commands that a new user needs. They select the same configuration. */
function commandsToTry(
  { lab }: Pick<Configuration, 'lab'>,
  options: Pick<ConfigurationOptions, 'config' | 'like'>,
): Row[] {
  // npm start and npx set this variable. An installed command is called by its name.
  const program = process.env.npm_execpath ? 'npx sealpost' : 'sealpost'
  const config = configOption(options)
  const trust: Row =
    lab.certificates.store === 'memory'
      ? [`${program} sessions${config}`, 'who connected, and how']
      : [`${program} ca export --out lab-ca.pem${config}`, 'root certificate for clients']
  return [
    [`${program} mail list${config}`, 'the mail that has arrived'],
    trust,
    [`${program} client-settings${config}`, 'settings for mail programs'],
  ]
}

/** Returns the URLs of the console and the commands. The purpose of the commands is left out if it does not fit. */
function nextLines(urls: readonly string[], token: string | undefined, commands: readonly Row[]): string[] {
  // The console logs on with the token in the fragment, which browsers do not send.
  const fragment = token === undefined ? '' : `/#token=${token}`
  const console = urls.map((url): Row => [`${url}${fragment}`, 'the console'])
  const width = Math.max(...commands.map(([command]) => command.length))
  const lines = (rows: readonly Row[], column: number): string[] =>
    rows.map(([what, purpose]) => `${what.padEnd(column)}  ${purpose}`)
  const full = lines(commands, width)
  return full.every((line) => line.length <= MAX_LINE)
    ? [...lines(console, width), ...full]
    : [...lines(console, 0), ...commands.map(([command]) => command)]
}

/** Prints a table of the virtual servers. NOTES are left out if all virtual servers have the default settings. */
function printEndpoints(endpoints: readonly VirtualServerStatus[]): void {
  const columns = [
    { title: 'VIRTUAL SERVER', cells: endpoints.map(nameWithProtocol) },
    { title: 'ADDRESS', cells: endpoints.map(({ address }) => address) },
    { title: 'PORT', cells: endpoints.map(({ port }) => portCell(port)) },
    { title: 'TLS PORT', cells: endpoints.map(({ tlsPort }) => portCell(tlsPort)) },
    ...(endpoints.every((endpoint) => notes(endpoint) === '') ? [] : [{ title: 'NOTES', cells: endpoints.map(notes) }]),
  ]
  printTable(
    columns.map(({ title }) => title),
    endpoints.map((_, row) => columns.map(({ cells }) => cells[row] ?? '')),
  )
}

function nameWithProtocol({ virtualServer, protocol }: VirtualServerStatus): string {
  const title = protocolTitles[protocol]
  return virtualServer.includes(title) ? virtualServer : `${virtualServer} (${title})`
}

const portCell = (port: number | undefined): string => (port === undefined ? 'off' : String(port))

/** Returns the certificate and the policy of a virtual server where they differ from the default. */
function notes(endpoint: VirtualServerStatus): string {
  const { certificate, requireSecureChannel, require128BitEncryption, tlsPolicy, legacyTls, tlsDefect } = endpoint
  const isDefault = certificate?.friendlyName.endsWith('(issued by the lab)')
  return [
    ...(certificate && !isDefault ? [certificate.friendlyName] : []),
    ...(certificate ? [] : ['no certificate']),
    ...(requireSecureChannel ? ['TLS required'] : []),
    ...(require128BitEncryption ? ['128-bit'] : []),
    ...(tlsPolicy ? [`TLS ${tlsPolicy}`] : []),
    ...(legacyTls && tlsPolicy !== 'outlook-express' ? ['old clients'] : []),
    ...(tlsDefect === undefined ? [] : [`TLS defect: ${tlsDefect}`]),
  ].join(', ')
}
