import type { DnsDefect, DnsZoneConfig } from '../../core/config/schema/dns.ts'
import { defectiveRecords, signatureState } from './defects/record-defects.ts'
import type { ZoneKey } from './dnssec/key.ts'
import { dnskeyRecord } from './dnssec/signer.ts'
import type { DnsFacts } from './generated/facts.ts'
import { addressRecords, hostRecords, reverseZone } from './generated/hosts.ts'
import { mailRecords } from './generated/mail.ts'
import { serviceRecords } from './generated/services.ts'
import { tlsaRecords } from './generated/tlsa.ts'
import type { DnsRecord } from './message.ts'
import { isWithin, normalName } from './names.ts'
import { isSpf, makeRecord, textRecord } from './records.ts'
import { Zone, Zones } from './zones/zone.ts'

/** A zone as its owner has written it. */
export interface WrittenZone {
  /** Normal. */
  readonly name: string
  readonly settings: Pick<DnsZoneConfig, 'generated' | 'dnssec' | 'authenticated' | 'defects'>
  readonly records: readonly DnsRecord[]
}

/** Everything that the zones are made of. */
interface ZoneSources {
  readonly facts: DnsFacts
  readonly written: readonly WrittenZone[]
  /** Records and defects that were added to the running lab. */
  readonly added: readonly DnsRecord[]
  readonly addedDefects: readonly (DnsDefect & { readonly zone: string })[]
  /** Records of other parts of the lab: keys of DKIM, policies. */
  readonly provided: readonly DnsRecord[]
  readonly isSigned: boolean
  readonly key: ZoneKey
  readonly serial: number
  readonly previousTlsa: readonly DnsRecord[]
}

const defaults: WrittenZone['settings'] = { generated: true, defects: [] }

/** Builds all zones. */
export function buildZones(sources: ZoneSources): Zones {
  const names = zoneNames(sources)
  const generated = generatedRecords(sources)
  const signed = new Set(names.filter((name) => settingsOf(sources, name).dnssec ?? sources.isSigned))
  return new Zones(names.map((name) => buildZone(name, { sources, names, generated, signed })))
}

/** Returns the names of the zones: those that are written, and one for each name of the lab that is in none of them. */
function zoneNames({ facts, written }: Pick<ZoneSources, 'facts' | 'written'>): string[] {
  const names = new Set(written.map(({ name }) => name))
  const wanted = [
    ...facts.domains,
    ...facts.hosts.map((host) => host.replace(/^\*\./, '')),
    ...facts.addresses.map(reverseZone),
  ]
  for (const name of wanted) if (![...names].some((zone) => isWithin(name, zone))) names.add(name)
  return [...names]
}

/** Returns what the configuration gives, whatever zone it belongs to. */
function generatedRecords({ facts, provided }: ZoneSources): DnsRecord[] {
  const texts = facts.texts.map(({ name, text }) => textRecord(name, facts.ttlSeconds, text))
  return [
    ...hostRecords(facts),
    ...mailRecords(facts),
    ...serviceRecords(facts),
    ...tlsaRecords(facts),
    ...texts,
    ...provided,
  ]
}

const settingsOf = ({ written }: ZoneSources, zone: string): WrittenZone['settings'] =>
  written.find(({ name }) => name === zone)?.settings ?? defaults

interface Building {
  readonly sources: ZoneSources
  readonly names: readonly string[]
  readonly generated: readonly DnsRecord[]
  /** The zones that are signed. */
  readonly signed: ReadonlySet<string>
}

function buildZone(zone: string, { sources, names, generated, signed }: Building): Zone {
  const { facts, key, written, added, addedDefects, previousTlsa } = sources
  const settings = settingsOf(sources, zone)
  const closest = closestOf(names)
  const isOwn = ({ name, type }: DnsRecord): boolean => closest(name, type) === zone
  const defects = [...settings.defects, ...addedDefects.filter((defect) => defect.zone === zone)]
  const own = [...(written.find(({ name }) => name === zone)?.records ?? []), ...added.filter(isOwn)]
  const given = settings.generated ? generated.filter(isOwn) : []
  const records = [
    ...replaceRecords(
      [...topRecords(zone, sources), ...given, ...delegations(zone, { sources, names, generated, signed })],
      own,
    ),
    ...(signed.has(zone) ? [dnskeyRecord(zone, facts.ttlSeconds, key)] : []),
  ]
  const isSigned = signed.has(zone)
  return new Zone(zone, unifyTtls(defectiveRecords(records, defects, { zone, previousTlsa })), {
    ...(isSigned ? { key } : {}),
    isAuthenticated: settings.authenticated ?? isSigned,
    signatures: signatureState(defects),
    defects,
  })
}

/** Returns a function that finds the zone of a name. DS records belong to the zone above. */
function closestOf(names: readonly string[]): (name: string, type: string) => string | undefined {
  const longestFirst = [...names].sort((one, other) => other.length - one.length)
  return (name, type) => longestFirst.find((zone) => isWithin(name, zone) && !(type === 'DS' && zone === name))
}

/** Returns the SOA and NS records of a zone, and the address of its server. */
function topRecords(zone: string, { facts, serial }: ZoneSources): DnsRecord[] {
  const { ttlSeconds: ttl, serverAddress } = facts
  const server = serverOf(zone, facts)
  return [
    makeRecord(zone, 'SOA', ttl, {
      mname: server,
      rname: server.replace(/^ns/, 'hostmaster'),
      serial,
      refresh: 3600,
      retry: 600,
      expire: 604_800,
      minimum: ttl,
    }),
    makeRecord(zone, 'NS', ttl, server),
    ...(isReverse(zone) ? [] : addressRecords(server, [serverAddress], ttl)),
  ]
}

/** Returns the name of a zone's server: below the zone, or below the mail domain for reverse zones. */
function serverOf(zone: string, { domains, hosts }: DnsFacts): string {
  const home = isReverse(zone) ? (domains[0] ?? hosts[0]) : zone
  return home === '' ? 'ns' : `ns.${home}`
}

const isReverse = (zone: string): boolean => /\.(in-addr|ip6)\.arpa$/.test(zone)

/** Returns the NS and DS records of the zones directly below a zone, and the addresses of their servers. */
function delegations(zone: string, { sources, names, signed }: Building): DnsRecord[] {
  const { facts, key } = sources
  const { ttlSeconds: ttl, serverAddress } = facts
  const closest = closestOf(names)
  return names
    .filter((name) => name !== zone && closest(name, 'DS') === zone)
    .flatMap((name) => [
      makeRecord(name, 'NS', ttl, serverOf(name, facts)),
      ...(isReverse(name) ? [] : addressRecords(serverOf(name, facts), [serverAddress], ttl)),
      ...(signed.has(name) ? [makeRecord(name, 'DS', ttl, key.ds(name))] : []),
    ])
}

/** Returns records with those that `own` replaces: of the same name and type, and of TXT records only SPF by SPF. */
function replaceRecords(generated: readonly DnsRecord[], own: readonly DnsRecord[]): DnsRecord[] {
  const keyOf = (record: DnsRecord): string => `${normalName(record.name)} ${record.type}${isSpf(record) ? ' spf' : ''}`
  const keys = new Set(own.map(keyOf))
  const aliases = new Set(own.filter(({ type }) => type === 'CNAME').map(({ name }) => name))
  // A name with a CNAME record has no others. RFC 2181 section 10.1
  return [...generated.filter((record) => !keys.has(keyOf(record)) && !aliases.has(record.name)), ...own]
}

/** Gives the records of a set the lowest of their TTLs, and drops repeated ones. RFC 2181 sections 5 and 5.2. */
function unifyTtls(records: readonly DnsRecord[]): DnsRecord[] {
  const ttls = new Map<string, number>()
  for (const { name, type, ttl = 0 } of records) {
    const key = `${name} ${type}`
    ttls.set(key, Math.min(ttls.get(key) ?? ttl, ttl))
  }
  const seen = new Set<string>()
  return records.flatMap((record) => {
    const key = `${record.name} ${record.type} ${JSON.stringify(record.data)}`
    if (seen.has(key)) return []
    seen.add(key)
    return [{ ...record, ttl: ttls.get(`${record.name} ${record.type}`) ?? 0 }]
  })
}
