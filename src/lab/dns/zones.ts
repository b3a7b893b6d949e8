import type { Path } from '../../core/config/mistakes.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import type { DnsConfig, DnsZoneConfig } from '../../core/config/schema/dns.ts'
import { readUserFile } from '../../core/files/user-files.ts'
import type { WrittenZone } from '../../transport/dns/build-zones.ts'

/** A record or zone file of the configuration that cannot be used. */
interface ZoneMistake {
  readonly path: Path
  readonly message: string
}

/** Reads the records that the configuration has for each zone, and what is wrong with them. */
export async function readZones(
  dns: DnsConfig,
): Promise<{ readonly zones: readonly WrittenZone[]; readonly mistakes: readonly ZoneMistake[] }> {
  const mistakes: ZoneMistake[] = []
  const zones: WrittenZone[] = []
  for (const [name, zone] of Object.entries(dns.zones)) zones.push(await readZone(name, zone, dns, mistakes))
  return { zones, mistakes }
}

async function readZone(
  given: string,
  settings: DnsZoneConfig,
  { ttl }: DnsConfig,
  mistakes: ZoneMistake[],
): Promise<WrittenZone> {
  const [{ normalName }, { readRecord, readZoneText }] = await Promise.all([
    import('../../transport/dns/names.ts'),
    import('../../transport/dns/zone-text/zone-text.ts'),
  ])
  const name = normalName(given)
  const options = { zone: name, ttlSeconds: Math.floor(ttl / 1000) }
  const tryTo = <Read>(key: readonly (string | number)[], read: () => Read, otherwise: Read): Read => {
    try {
      return read()
    } catch (error) {
      mistakes.push({ path: ['dns', 'zones', given, ...key], message: (error as Error).message })
      return otherwise
    }
  }
  const { file, records } = settings
  const text = file === undefined ? '' : await readUserFile(file).catch((error: Error) => error)
  const ofFile = tryTo(['file'], () => {
    if (text instanceof Error) throw new Error(`cannot read ${file}: ${text.message}`, { cause: text })
    return readZoneText(text.toString(), options)
  }, [])
  const listed = records.flatMap((line, index) => tryTo(['records', index], () => [readRecord(line, options)], []))
  return { name, settings, records: [...ofFile, ...listed] }
}

/** Returns everything that is wrong with the zones of a configuration. */
export async function zoneMistakes({ dns }: ResolvedLab): Promise<readonly ZoneMistake[]> {
  return dns === undefined ? [] : (await readZones(dns)).mistakes
}
