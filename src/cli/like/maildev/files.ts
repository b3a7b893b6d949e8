import { serverOf } from '../draft.ts'
import { useCertificate, useImplicitTls } from '../tls.ts'
import type { SettingCall } from '../tool.ts'
import { isOn } from '../values.ts'

/** Makes a virtual server take TLS only, with the certificate of `PREFIX_CERT` and `PREFIX_KEY`. @throws Error */
export function useFiles(call: SettingCall, server: string, prefix: string): void {
  if (!isOn(call.value)) return
  const certificate = call.other(`${prefix}_CERT`)
  if (certificate === undefined) throw new Error(`needs ${prefix}_CERT and ${prefix}_KEY`)
  useCertificate({ ...call, value: certificate }, server, `${prefix}_KEY`)
  useImplicitTls(serverOf(call.draft, server))
}
