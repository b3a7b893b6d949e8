import { call } from '../../../api/client.ts'
import { Problem } from '../../../api/problem.ts'
import { t } from '../../../texts/index.ts'
import type { PendingRequest, VirtualServer } from '../facts.ts'
import { installAnswer } from '../import.tsx'
import type { Summary } from '../summary.tsx'
import { type Action, type Answers, requestOf } from './answers.ts'

/** The wizard's result: a certificate, a request to send, a request in a queue, or nothing more to show. */
export interface Done {
  readonly thumbprint?: string
  readonly pem?: string
  readonly authority?: string
  readonly warnings?: readonly string[]
}

interface Finishing {
  readonly server: VirtualServer
  readonly pending: PendingRequest | undefined
  readonly answers: Answers
}

/** Returns the summary of the certificate in the file of the answers. Changes nothing. @throws Problem */
export const inspect = ({ server, answers }: Finishing): Promise<Summary> =>
  answers.action === 'import'
    ? importFile(server.name, answers, true)
    : installAnswer(fileOf(answers), server.name, { force: answers.force, dryRun: true })

/** Does what the answers say. @throws Problem */
export const finish = (finishing: Finishing): Promise<Done> => actions[finishing.answers.action](finishing)

const actions: Readonly<Record<Action, (finishing: Finishing) => Promise<Done>>> = {
  async create({ server, answers }) {
    const request = requestOf(server.name, answers)
    if (answers.authority === '') return call('requests.create', request)
    return (await call('certificates.issue', { ...request, authority: answers.authority })) as Done
  },
  assign: ({ server, answers }) => call('certificates.assign', { name: answers.certificate, for: server.name }),
  import: ({ server, answers }) => importFile(server.name, answers),
  async process({ server, pending, answers }) {
    if (!pending?.queued) return installAnswer(fileOf(answers), server.name, { force: answers.force })
    const { state, certificate } = await call('requests.collect', { for: server.name })
    if (certificate) return certificate
    const { authority } = pending.queued
    throw new Problem({
      status: 409,
      kind: 'conflict',
      title: t('wizard.notApproved'),
      detail: t(state === 'denied' ? 'wizard.denied' : 'wizard.stillWaits', { authority }),
    })
  },
  async renew({ server, answers }) {
    if (!server.certificate) return {}
    const { thumbprint } = server.certificate
    return (await call('certificates.renew', { name: thumbprint, newKey: answers.newKey })) as Done
  },
  async remove({ server }) {
    await call('certificates.unassign', { for: server.name })
    return {}
  },
}

const importFile = async (server: string, answers: Answers, dryRun = false) =>
  call(
    'certificates.import',
    { for: server, password: answers.password || undefined, force: answers.force, dryRun },
    { body: fileOf(answers), type: 'application/octet-stream' },
  )

function fileOf({ file }: Answers): File {
  if (file) return file
  throw new Problem({ status: 0, kind: 'invalid', title: t('wizard.noFile'), detail: t('wizard.noFileHint') })
}
