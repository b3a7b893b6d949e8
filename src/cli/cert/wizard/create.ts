import { existsSync } from 'node:fs'
import { freeName } from '../../../tls/pki/certificate-store/friendly-names.ts'
import { refusePinned, type VirtualServerFacts } from '../../../tls/pki/lifecycle/context.ts'
import type { PlannedRequest } from '../../../tls/pki/lifecycle/request.ts'
import type { PkiSession } from '../../shared/certificate-store.ts'
import { writeOutput } from '../../shared/files.ts'
import { requestSummary } from '../request.ts'
import { type Answers, askPages, authorityPage, filePage, type Page, requestOptionsOf, requestPages } from './pages.ts'
import { askOutput, Cancelled, choose, showPage, showProgress, untilDone } from './prompts.ts'

/** Keys that take long to generate. */
const slowKeys: readonly string[] = ['rsa-4096', 'rsa-8192', 'rsa-16384']

/** A planned request, with what the last page asked. */
interface Review {
  readonly plan: PlannedRequest
  readonly answers: Answers
}

/** How a request leaves the wizard. */
interface Way {
  readonly pages: readonly Page[]
  /** Returns further lines of the summary, beside the request. */
  readonly more: (answers: Answers) => { readonly rows: string; readonly warnings: readonly string[] }
  /** Does it. Returns the closing sentence. If it throws, nothing has changed, and the pages are asked again. */
  readonly run: (review: Review) => Promise<string>
}

/**
 * Asks all pages and shows the summary, until the user confirms it and the request is done. After an error, the wizard
 * returns to the last page with all the answers.
 */
async function ask(session: PkiSession, server: string, { pages, more, run }: Way): Promise<string> {
  const answers: Answers = {
    friendlyName: freeName(session.store.index, server),
    key: 'rsa-2048',
    organization: '',
    organizationalUnit: '',
    commonName: session.lab.hostname,
    names: '',
    country: '',
    state: '',
    locality: '',
    file: 'certreq.txt',
    authority: session.store.index.defaultAuthority ?? '',
  }
  let from = 0
  return untilDone(async () => {
    for (;;) {
      await askPages(pages, answers, from)
      from = pages.length - 1
      const plan = await session.certificates.plan(requestOptionsOf(server, answers))
      const { rows, warnings } = more(answers)
      const notes = [...plan.warnings, ...warnings].map((warning) => `\nWarning: ${warning}`).join('')
      showPage('Summary', `${requestSummary(plan)}\n${rows}${notes}`)
      const next = await choose('Is this right?', [
        { value: 'go', label: 'Yes, continue' },
        { value: 'back', label: 'Back' },
      ])
      if (next === 'go') {
        if (slowKeys.includes(plan.key)) showProgress('Generating the key. This can take minutes.')
        return run({ plan, answers })
      }
    }
  })
}

/** A line of the summary, in the columns of `requestSummary`. */
const row = (title: string, value: string): string => `${`${title}:`.padEnd('Virtual server: '.length)}${value}`

const prepare = (session: PkiSession, server: string): Promise<string> =>
  ask(session, server, {
    pages: [...requestPages, filePage],
    more: ({ file }) => ({
      rows: row('File', file),
      warnings: existsSync(file) ? [`${file} exists and will be replaced`] : [],
    }),
    run: async ({ plan, answers: { file } }) => {
      const { pem } = await session.certificates.prepare(plan)
      const written = await writePending(file, pem, server)
      return `Wrote ${written} (certificate request). Send it to the authority, then start the wizard again to install the certificate.`
    },
  })

/** Writes a request that is pending already. Asks for another file name until that succeeds. Returns the name. */
export async function writePending(file: string, pem: string, server: string): Promise<string> {
  let name = file
  let isFirst = true
  try {
    return await untilDone(async () => {
      if (!isFirst) name = await askOutput('File name for the request', name)
      isFirst = false
      await writeOutput(name, pem)
      return name
    })
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error
    throw new Cancelled(
      `the request is pending, but not written to a file: run: sealpost cert pending "${server}" --out FILE`,
    )
  }
}

async function send(session: PkiSession, server: string): Promise<string> {
  const ready = (await session.authorities.list()).filter((one) => one.ready)
  const types = new Map(ready.map(({ name, type }) => [name, type]))
  return ask(session, server, {
    pages: [...requestPages, authorityPage(ready.map(({ name, type }) => ({ value: name, label: name, hint: type })))],
    more: ({ authority }) => ({
      rows: row('Authority', `${authority} (${types.get(authority)})`),
      warnings:
        types.get(authority) === 'standalone'
          ? ['a standalone authority issues only after someone has approved it']
          : [],
    }),
    run: async ({ plan, answers: { authority } }) => {
      const outcome = await session.certificates.issuePlanned(plan, authority)
      if (outcome.state === 'issued') return `The certificate is installed on "${server}".`
      return `"${authority}" is a standalone authority: request ${outcome.id} is pending there.`
    },
  })
}

/** Creates a request and sends it to an authority or writes it to a file. Returns the closing sentence. */
export async function requestNewCertificate(session: PkiSession, server: VirtualServerFacts): Promise<string> {
  refusePinned(server)
  const when = await choose('Prepare the request now, or send it now?', [
    { value: 'later', label: 'Prepare the request now, but send it later' },
    { value: 'now', label: 'Send the request now to an online authority' },
  ])
  return when === 'later' ? prepare(session, server.name) : send(session, server.name)
}
