import { call, type InputOf, type OutputOf } from '../../../api/client.ts'
import { Problem, problemOf } from '../../../api/problem.ts'

/** The wizard's actions for a virtual server. */
export type Action = 'create' | 'assign' | 'import' | 'process' | 'renew' | 'remove'

/** The pages of the wizard. Each action has its own, in order. */
export const pagesOf: Readonly<Record<Action, readonly WizardPage[]>> = {
  create: ['welcome', 'when', 'key', 'organization', 'commonName', 'geography', 'summary'],
  assign: ['welcome', 'assign'],
  import: ['welcome', 'import', 'certificate'],
  process: ['welcome', 'process', 'certificate'],
  renew: ['welcome', 'renew'],
  remove: ['welcome', 'remove'],
}
export type WizardPage =
  | 'welcome'
  | 'when'
  | 'key'
  | 'organization'
  | 'commonName'
  | 'geography'
  | 'summary'
  | 'assign'
  | 'import'
  | 'process'
  | 'certificate'
  | 'renew'
  | 'remove'

/** An authority of the lab that can issue. */
export type Authority = OutputOf<'authorities.list'>['items'][number]

/** The user's entries. Empty: none. */
export interface Answers {
  readonly action: Action
  /** The authority of the lab that answers now. Empty: the request is sent to an outside one later. */
  readonly authority: string
  readonly friendlyName: string
  readonly key: string
  readonly organization: string
  readonly organizationalUnit: string
  readonly commonName: string
  /** Further names, separated by spaces or commas. */
  readonly names: string
  readonly country: string
  readonly state: string
  readonly locality: string
  /** The thumbprint of a certificate to assign. */
  readonly certificate: string
  readonly password: string
  readonly newKey: boolean
  /** Accepts a certificate that clients refuse: expired, not yet valid, or of an authority. */
  readonly force: boolean
  readonly file: File | undefined
}

/** How a page shows an answer, and changes it. */
export interface PageProps {
  readonly answers: Answers
  readonly change: (changed: Partial<Answers>) => void
}

/** The fields of each page, for mistakes. */
export const fieldsOfPage: Partial<Record<WizardPage, readonly string[]>> = {
  key: ['friendlyName', 'key'],
  organization: ['organization', 'organizationalUnit'],
  commonName: ['commonName', 'names'],
  geography: ['country', 'state', 'locality'],
  import: ['password'],
}

/** Returns the request that the answers describe. The lab's defaults stand for what is empty. */
export function requestOf(server: string, answers: Answers): InputOf<'requests.create'> {
  const { friendlyName, key, organization, organizationalUnit, commonName, country, state, locality } = answers
  const names = answers.names.split(/[\s,]+/).filter(Boolean)
  const given = { friendlyName, key, organization, organizationalUnit, commonName, country, state, locality }
  const filled = Object.entries(given).filter(([, value]) => value.trim() !== '')
  return { for: server, ...Object.fromEntries(filled), ...(names.length > 0 ? { names } : {}) }
}

/** Words in a refusal that tell which field it is about. */
const questionFields: readonly (readonly [RegExp, string])[] = [
  [/country/, 'country'],
  [/state or province/, 'state'],
  [/locality/, 'locality'],
  [/organizational unit/, 'organizationalUnit'],
  [/organization/, 'organization'],
  [/friendly name/, 'friendlyName'],
  [/common name/, 'commonName'],
]

/** Checks the answers so far as the lab does. Changes nothing. @throws Problem that points at its field */
export async function checkAnswers(server: string, answers: Answers, signal?: AbortSignal) {
  try {
    return await call('requests.plan', requestOf(server, answers), signal ? { signal } : {})
  } catch (error) {
    const { status, kind, title, message, errors } = problemOf(error)
    const field = questionFields.find(([word]) => word.test(message))?.[1]
    const found = errors.length > 0 || !field ? errors : [{ pointer: `/${field}`, message }]
    throw new Problem({ status, kind, title, detail: message, errors: found })
  }
}
