import type { Command } from 'commander'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { note, print, withPager } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'

/** Adds `sealpost dns`. */
export function addDns(program: Command): void {
  const dns = program.command('dns')
  const add = (name: string, description: string): Command =>
    withApi(dns.command(name)).description(description).addOption(sharedOptions.json)
  add('list', 'list the zones, or the records of one')
    .argument('[zone]', 'such as lab.test')
    .action(
      withPager((zone: string | undefined, options: ApiOptions) =>
        zone === undefined ? listZones(options) : listRecords(zone, options),
      ),
    )
  withApi(dns.command('zone-file'))
    .description('print a zone as a zone file')
    .argument('<zone>', 'such as lab.test')
    .action(withPager(zoneFile))
  withApi(dns.command('ds'))
    .description('print the DS records of the signed zones, which are trust anchors for resolvers such as unbound')
    .argument('[zone]', 'such as lab.test (default: all signed zones)')
    .option('--delv', 'in the form of named.conf, for delv and BIND')
    .action(trustAnchors)
  add('add', 'add a record until the lab is reset or stops')
    .argument('<record...>', 'a line of a zone file, such as \'_acme-challenge.lab.test TXT "token"\'')
    .action(addRecord)
  withApi(dns.command('remove'))
    .description('remove an added record')
    .argument('<id>', 'as `dns add` and `dns list ZONE` print it')
    .action(async (id: string, options: ApiOptions) => {
      await callApi(options, 'dnsRecords.remove', { id })
    })
  add('queries', 'list the latest queries, the newest first').action(withPager(listQueries))
}

async function zonesOf(options: ApiOptions) {
  return (await callApi(options, 'dnsZones.list', {})).items
}

async function listZones(options: ApiOptions): Promise<void> {
  const zones = await zonesOf(options)
  if (options.json) return print(JSON.stringify(zones))
  if (zones.length === 0) return note('The lab has no DNS server.')
  const rows = zones.map(({ name, records, signed, defects }) => [
    name === '' ? '.' : name,
    String(records),
    signed ? 'yes' : 'no',
    defects.join(', '),
  ])
  printTable(['ZONE', 'RECORDS', 'SIGNED', 'DEFECTS'], rows)
}

async function listRecords(zone: string, options: ApiOptions): Promise<void> {
  await callApi(options, 'dnsZones.get', { name: zone })
  const { items } = await callApi(options, 'dnsRecords.list', { zone })
  if (options.json) return print(JSON.stringify(items))
  for (const { id, text } of items) print(id === null ? text : `${text} ; added as ${id}`)
}

async function zoneFile(zone: string, options: ApiOptions): Promise<void> {
  process.stdout.write(await callApi(options, 'dnsZones.file', { name: zone }))
}

async function trustAnchors(
  zone: string | undefined,
  options: ApiOptions & { readonly delv?: boolean },
): Promise<void> {
  const zones = zone === undefined ? await zonesOf(options) : [await callApi(options, 'dnsZones.get', { name: zone })]
  const anchors = zones.flatMap(({ ds }) => ds ?? [])
  if (anchors.length === 0) return note('No zone is signed; set dns: { dnssec: true }.')
  if (!options.delv) return print(anchors.join('\n'))
  const lines = anchors.map((ds) => {
    const [name, , , , tag, algorithm, kind, digest] = ds.split(' ')
    return `  "${name}" static-ds ${tag} ${algorithm} ${kind} "${digest}";`
  })
  print(['trust-anchors {', ...lines, '};'].join('\n'))
}

async function addRecord(words: readonly string[], options: ApiOptions): Promise<void> {
  const added = await callApi(options, 'dnsRecords.add', { record: words.join(' ') })
  print(options.json ? JSON.stringify(added) : `${added.text} ; added as ${added.id}`)
}

async function listQueries(options: ApiOptions): Promise<void> {
  const { items } = await callApi(options, 'dnsQueries.list', {})
  if (options.json) return print(JSON.stringify(items))
  if (items.length === 0) return note('No queries yet.')
  const rows = items.map(({ at, name, type, client, protocol, rcode }) => [
    at.slice(11, 23),
    client,
    protocol,
    type,
    rcode,
    name,
  ])
  printTable(['TIME', 'CLIENT', 'BY', 'TYPE', 'ANSWER', 'NAME'], rows)
}
