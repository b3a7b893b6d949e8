import { trimBlanks } from '../../../../core/text/trim-blanks.ts'
import { AcmeProblem } from '../response.ts'
import { readTexts } from './dns.ts'
import type { TxtLookup } from './txt-records.ts'

interface PersistentValidation {
  /** Without the `*.` of a wildcard. */
  readonly domain: string
  readonly wildcard: boolean
  /** Names of the authority, one of which a record must begin with. */
  readonly issuers: readonly string[]
  readonly accountUrl: string
  readonly nowMs: number
}

/**
 * Validates a dns-persist-01 challenge: any record that names the authority and the account is enough.
 * draft-ietf-acme-dns-persist-01. @throws AcmeProblem `dns`, `malformed`, `unauthorized`
 */
export async function validateDnsPersist(validation: PersistentValidation, lookup: TxtLookup): Promise<void> {
  const { domain, issuers } = validation
  const name = `_validation-persist.${domain}`
  const problems: AcmeProblem[] = []
  for (const text of await readTexts(name, lookup)) {
    const [issuer = '', ...parameters] = text.split(';').map(trimBlanks)
    // Records of other authorities stand beside that of this one.
    if (!issuers.includes(issuer.toLowerCase().replace(/\.$/, ''))) continue
    try {
      return checkRecord(readParameters(parameters), validation)
    } catch (error) {
      if (!(error instanceof AcmeProblem)) throw error
      problems.push(error)
    }
  }
  const list = `${name} has no TXT record that allows it`
  const malformed = problems.some(({ type }) => type === 'malformed')
  const said = problems.filter(({ type }) => !malformed || type === 'malformed').map(({ message }) => message)
  const why = said.length > 0 ? said.join('; ').slice(0, 500) : `none begins with ${issuers.join(' or ')}`
  throw new AcmeProblem(malformed ? 'malformed' : 'unauthorized', `${list}: ${why}`)
}

function checkRecord(found: ReadonlyMap<string, string>, { accountUrl, wildcard, nowMs }: PersistentValidation): void {
  const uri = found.get('accounturi')
  if (!uri) throw new AcmeProblem('malformed', 'accounturi is missing')
  const until = found.get('persistuntil')
  if (until !== undefined && !/^-?\d+$/.test(until)) {
    throw new AcmeProblem('malformed', `persistUntil=${until} is not a UNIX time in seconds`)
  }
  if (uri !== accountUrl) throw new AcmeProblem('unauthorized', `accounturi is ${uri}, the account is ${accountUrl}`)
  if (wildcard && found.get('policy')?.toLowerCase() !== 'wildcard') {
    throw new AcmeProblem('unauthorized', 'a wildcard needs policy=wildcard')
  }
  if (until !== undefined && Number(until) * 1000 < nowMs) {
    throw new AcmeProblem('unauthorized', `persistUntil=${until} is in the past`)
  }
}

/** Returns the parameters of an issue-value by name in lower case. RFC 8659 section 4.2. @throws AcmeProblem `malformed` */
function readParameters(parameters: readonly string[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const parameter of parameters) {
    const at = parameter.indexOf('=')
    const tag = trimBlanks(parameter.slice(0, Math.max(at, 0)))
    const value = trimBlanks(parameter.slice(at + 1))
    if (at < 0 || tag === '')
      throw new AcmeProblem('malformed', `the parameter ${JSON.stringify(parameter)} is not tag=value`)
    if (!/^[\x21-\x3a\x3c-\x7e]*$/.test(value)) {
      throw new AcmeProblem('malformed', `the value ${JSON.stringify(value)} of ${tag} has spaces or other characters`)
    }
    if (found.has(tag.toLowerCase())) throw new AcmeProblem('malformed', `the parameter ${tag} is there twice`)
    found.set(tag.toLowerCase(), value)
  }
  return found
}
