import type { Command } from 'commander'
import { systemClock } from '../../core/time/clock.ts'
import { Signing } from '../../transport/mail-authentication/signing.ts'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, loadConfiguration, withConfig } from '../shared/configuration.ts'
import { note, print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'

/** Adds `sealpost dkim`. */
export function addDkim(program: Command): void {
  withConfig(program.command('dkim')).addOption(sharedOptions.json).action(run)
}

/** Octets of one string of a TXT record. RFC 1035 section 3.3.14. */
const STRINGS = /.{1,255}/g

async function run(options: ConfigurationOptions): Promise<void> {
  const { lab } = await loadConfiguration(options)
  const records = await withPki(options, ({ store }) =>
    new Signing({ config: () => lab.mail.authentication, files: store.files, clock: systemClock }).records(),
  )
  if (options.json) return print(JSON.stringify(records))
  if (records.length === 0) {
    return note('No mail is signed. Add mail: { authentication: { dkim: [{ domain: DOMAIN }] } } to the configuration.')
  }
  for (const { name, text } of records) {
    print(`${name}. TXT ${(text.match(STRINGS) ?? []).map((part) => `"${part}"`).join(' ')}`)
  }
}
