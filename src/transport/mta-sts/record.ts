import { type MtaStsPolicy, MtaStsPolicyError, policyId } from './policy.ts'

/** Returns the TXT record at `_mta-sts.DOMAIN`. RFC 8461 section 3.1. */
export const policyRecord = (policy: MtaStsPolicy): string => `v=STSv1; id=${policyId(policy)};`

/**
 * Returns the id in the TXT records of `_mta-sts.DOMAIN`; undefined without a valid record.
 * @throws MtaStsPolicyError for several records or one without a valid id: the domain then has no policy
 */
export function idInRecords(records: readonly string[]): string | undefined {
  // RFC 8461 section 3.1: other records are ignored, and two of them count as no record.
  const policies = records.filter((text) => /^v=STSv1[ \t]*;/.test(text))
  const [record] = policies
  if (record === undefined) return undefined
  if (policies.length > 1) throw new MtaStsPolicyError('there are several _mta-sts records')
  const id = /^v=STSv1[ \t]*;(?:[^;]*;)*?[ \t]*id[ \t]*=[ \t]*([A-Za-z0-9]{1,32})[ \t]*(?:;|$)/.exec(record)?.[1]
  if (id === undefined) throw new MtaStsPolicyError('the _mta-sts record has no id of 1 to 32 letters and digits')
  return id
}
