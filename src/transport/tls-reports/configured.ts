import type { ResolvedLab } from '../../core/config/resolve.ts'
import { addressOf } from '../report-address.ts'

/** How a lab receives and sends TLS reports. */
export interface ReportSettings {
  /** Where other domains send theirs. */
  readonly rua: readonly string[]
  /** The mailbox for reports that arrive by HTTPS. */
  readonly mailbox: string
  readonly organization: string
  readonly from: string
}

/** Returns how a lab receives and sends reports. */
export function reportSettings({ outgoing, domain }: Pick<ResolvedLab, 'outgoing' | 'domain'>): ReportSettings {
  const address = `tls-reports@${domain}`
  const { rua = [`mailto:${address}`], organization = 'Sealpost', from = address } = outgoing.tlsReports ?? {}
  return { rua, mailbox: rua.map(addressOf).find((one) => one !== undefined) ?? address, organization, from }
}
