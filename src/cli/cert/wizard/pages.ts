import { supportsMlDsa } from '../../../core/config/ml-dsa-support.ts'
import { generalName } from '../../../tls/pki/certificate/names.ts'
import { checkCountry } from '../../../tls/pki/certificate/subject.ts'
import { checkFriendlyName } from '../../../tls/pki/certificate-store/friendly-names.ts'
import type { KeySpec } from '../../../tls/pki/keys.ts'
import type { RequestOptions } from '../../../tls/pki/lifecycle/request.ts'
import { mlDsaSpecs } from '../../../tls/pki/ml-dsa.ts'
import { askText, BACK, type Choice, choose, chooseOrBack, outputProblem } from './prompts.ts'

/** The answers to the questions about a new certificate. */
export interface Answers {
  friendlyName: string
  key: string
  organization: string
  organizationalUnit: string
  commonName: string
  names: string
  country: string
  state: string
  locality: string
  file: string
  authority: string
}

/** A page with one question: a line of text, or a list. */
export interface Page {
  readonly field: keyof Answers
  readonly message: string
  /** Returns the error in an answer, or undefined. */
  readonly check?: (answer: string) => string | undefined
  readonly choices?: readonly Choice<string>[]
}

/** Returns a check that reports what a function throws, and an empty answer if it must not be empty. */
function checkedBy(check: (answer: string) => unknown, required?: string) {
  return (answer: string): string | undefined => {
    if (answer === '') return required && `${required} is required`
    try {
      check(answer)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
}

const namesIn = (answer: string): string[] => answer.split(/[\s,]+/).filter((name) => name !== '')

const bitLengths = [512, 1024, 2048, 4096, 8192, 16384]

/** The keys to choose from. Bit lengths are those of the wizard of Exchange Server 2003. ML-DSA is offered where Node.js has it. */
const keys: readonly Choice<string>[] = [
  ...bitLengths.map((bits) => ({
    value: `rsa-${bits}`,
    label: `${bits} bits (RSA)`,
    ...(bits < 2048 ? { hint: 'too short for most clients' } : bits > 4096 ? { hint: 'slow' } : {}),
  })),
  { value: 'p256', label: 'P-256' },
  { value: 'p384', label: 'P-384' },
  { value: 'p521', label: 'P-521' },
  { value: 'ed25519', label: 'Ed25519', hint: 'few mail clients support it' },
  ...(supportsMlDsa() ? mlDsaSpecs : []).map((spec) => ({
    value: spec,
    label: spec.toUpperCase(),
    hint: 'post-quantum; very few clients support it',
  })),
]

/** The pages in the order of the wizard of Exchange Server 2003. */
export const requestPages: readonly Page[] = [
  { field: 'friendlyName', message: 'Name of the new certificate', check: checkedBy(checkFriendlyName, 'a name') },
  { field: 'key', message: 'Bit length or curve. Longer is slower', choices: keys },
  { field: 'organization', message: 'Organization' },
  { field: 'organizationalUnit', message: 'Organizational unit' },
  {
    field: 'commonName',
    message: 'Common name: the host name that clients use',
    check: checkedBy(generalName, 'a common name'),
  },
  {
    field: 'names',
    message: 'Additional host names and IP addresses, separated by spaces',
    check: checkedBy((answer) => namesIn(answer).map(generalName)),
  },
  { field: 'country', message: 'Country or region, two letters', check: checkedBy(checkCountry) },
  { field: 'state', message: 'State or province' },
  { field: 'locality', message: 'City or locality' },
]

export const filePage: Page = { field: 'file', message: 'File name for the request', check: outputProblem }

export const authorityPage = (choices: readonly Choice<string>[]): Page => ({
  field: 'authority',
  message: 'Which authority?',
  choices,
})

/** Asks one page after the other, from `from` on. `<` or Back returns to the previous page. @throws Cancelled */
export async function askPages(asked: readonly Page[], answers: Answers, from: number): Promise<void> {
  for (let at = from; at < asked.length; ) {
    const page = asked[at] as Page
    const answer = await askPage(page, answers[page.field], at > 0)
    if (answer === BACK) at--
    else {
      answers[page.field] = answer
      at++
    }
  }
}

function askPage(page: Page, initial: string, back: boolean): Promise<string | typeof BACK> {
  const { message, choices } = page
  if (choices === undefined) return askText({ ...page, initial, back })
  return back ? chooseOrBack(message, choices, initial) : choose(message, choices, initial)
}

/** Returns the answers as the library takes them. */
export const requestOptionsOf = (server: string, answers: Answers): RequestOptions => ({
  for: server,
  friendlyName: answers.friendlyName,
  key: answers.key as KeySpec,
  subject: {
    commonName: answers.commonName,
    organization: answers.organization,
    organizationalUnit: answers.organizationalUnit,
    country: answers.country,
    state: answers.state,
    locality: answers.locality,
  },
  names: namesIn(answers.names),
})
