import { checkCountry } from '../../pki/certificate/subject.ts'
import type { KeySpec } from '../../pki/keys.ts'
import { requestSummary } from '../cert/request.ts'
import type { PkiSession } from '../certificate-store.ts'
import { checkOutput, writeOutput } from '../files.ts'
import { askText, BACK, choose, showPage, type TextPage } from './prompts.ts'

interface Answers {
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
}

/** A page with one question. */
interface Page extends Omit<TextPage, 'back' | 'initial'> {
  readonly field: keyof Answers
}

const required = (what: string) => (answer: string) => (answer === '' ? `${what} is required` : undefined)

const keys = ['512', '1024', '2048', '4096', '8192', '16384', 'P-256', 'P-384', 'P-521', 'Ed25519']

function countryProblem(answer: string): string | undefined {
  if (answer === '') return undefined
  try {
    checkCountry(answer)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** The pages in the order of the wizard of Exchange Server 2003. */
const pages: readonly Page[] = [
  { field: 'friendlyName', message: 'Name of the new certificate', check: required('a name') },
  {
    field: 'key',
    message: `Bit length or curve: ${keys.join(', ')}. Longer is slower`,
    check: (answer) => (keySpec(answer) ? undefined : `write one of ${keys.join(', ')}, or another number of bits`),
  },
  { field: 'organization', message: 'Organization' },
  { field: 'organizationalUnit', message: 'Organizational unit' },
  {
    field: 'commonName',
    message: 'Common name: the host name that clients use',
    check: required('a common name'),
  },
  { field: 'names', message: 'Additional host names and IP addresses, separated by spaces' },
  { field: 'country', message: 'Country or region, two letters', check: countryProblem },
  { field: 'state', message: 'State or province' },
  { field: 'locality', message: 'City or locality' },
]

const filePage: Page = { field: 'file', message: 'File name for the request', check: required('a file name') }

function keySpec(answer: string): KeySpec | undefined {
  const plain = answer.toLowerCase().replace('-', '')
  if (['p256', 'p384', 'p521', 'ed25519'].includes(plain)) return plain as KeySpec
  const bits = Number(answer)
  return Number.isInteger(bits) && bits >= 512 && bits <= 16384 ? `rsa-${bits}` : undefined
}

/** Asks one page after the other, from `from` on. `<` returns to the previous page. */
async function askPages(asked: readonly Page[], answers: Answers, from: number): Promise<void> {
  for (let at = from; at < asked.length; ) {
    const page = asked[at] as Page
    const answer = await askText({ ...page, initial: answers[page.field], back: at > 0 })
    if (answer === BACK) at--
    else {
      answers[page.field] = answer
      at++
    }
  }
}

const optionsOf = (server: string, answers: Answers) => ({
  for: server,
  friendlyName: answers.friendlyName,
  key: keySpec(answers.key) ?? 'rsa-2048',
  subject: {
    commonName: answers.commonName,
    organization: answers.organization,
    organizationalUnit: answers.organizationalUnit,
    country: answers.country,
    state: answers.state,
    locality: answers.locality,
  },
  names: answers.names.split(/[\s,]+/).filter((name) => name !== ''),
})

/** Asks all pages and shows the summary, until the user confirms it. */
async function planRequest(session: PkiSession, server: string, asked: readonly Page[]) {
  const answers: Answers = {
    friendlyName: server,
    key: '2048',
    organization: '',
    organizationalUnit: '',
    commonName: session.lab.hostname,
    names: '',
    country: '',
    state: '',
    locality: '',
    file: 'certreq.txt',
  }
  for (let from = 0; ; from = asked.length - 1) {
    await askPages(asked, answers, from)
    const plan = await session.certificates.plan(optionsOf(server, answers)).catch((error: Error) => error)
    if (plan instanceof Error) {
      showPage('Not possible', plan.message)
      continue
    }
    const warnings = plan.warnings.map((warning) => `\nWarning: ${warning}`).join('')
    showPage('Summary', requestSummary(plan) + warnings)
    const next = await choose('Is this right?', [
      { value: 'go', label: 'Yes, continue' },
      { value: 'back', label: 'Back' },
    ])
    if (next === 'go') return { plan, file: answers.file }
  }
}

async function prepare(session: PkiSession, server: string): Promise<string> {
  const { plan, file } = await planRequest(session, server, [...pages, filePage])
  await checkOutput(file)
  const { pem } = await session.certificates.prepare(plan)
  await writeOutput(file, pem)
  return `Wrote ${file} (certificate request). Send it to the authority, then start the wizard again to install the certificate.`
}

async function send(session: PkiSession, server: string): Promise<string> {
  const { plan } = await planRequest(session, server, pages)
  const authorities = (await session.authorities.list()).filter(({ ready }) => ready)
  const choices = authorities.map(({ name, type }) => ({ value: name, label: name, hint: type }))
  const authority = await choose('Which authority?', choices)
  const outcome = await session.certificates.issuePlanned(plan, authority)
  if (outcome.state === 'issued') return `The certificate is installed on "${server}".`
  return `"${authority}" is a standalone authority: request ${outcome.id} is pending there.`
}

/** Creates a request and sends it to an authority or writes it to a file. Returns the closing sentence. */
export async function requestNewCertificate(session: PkiSession, server: string): Promise<string> {
  const when = await choose('Prepare the request now, or send it at once?', [
    { value: 'later', label: 'Prepare the request now, but send it later' },
    { value: 'now', label: 'Send the request at once to an online authority' },
  ])
  return when === 'later' ? prepare(session, server) : send(session, server)
}
