import { isWritten, parseAllAddresses } from '../../format/addresses.ts'
import type { CommandRow, Tags } from '../language.ts'
import type { Call } from '../run.ts'
import { flagsOf } from './flags.ts'

/** Returns the problem of a text that must be one address without a name. RFC 5228 section 4.2 */
export function addressProblem(text: string): string | undefined {
  const [found, ...others] = parseAllAddresses(Buffer.from(text).toString('latin1')) ?? []
  const isOne = found !== undefined && others.length === 0 && isWritten(found) && !/[\r\n]/.test(text)
  return isOne && found.name === undefined && !text.includes('<') ? undefined : 'use one address such as alice@lab.test'
}

/** Whether a text is a special-use attribute. RFC 8579 section 2, RFC 6154 section 2 */
export const useProblem = (use: string): string | undefined =>
  /^\\[A-Za-z0-9$_.-]+$/.test(use) ? undefined : 'use an attribute such as \\\\Junk'

const MAILBOX = {
  name: 'mailbox',
  type: 'string',
  check: (name: string): string | undefined =>
    name === '' || /[\x00-\x1f\x7f]/.test(name) ? 'use the name of a mailbox' : undefined,
} as const

const REASON = [{ name: 'reason', type: 'string' }] as const

const FLAGS: Tags = { flags: { extension: 'imap4flags', value: { type: 'strings' } } }
const COPY: Tags = { copy: { extension: 'copy' } }

/** Returns what an action stores: with the tag `:flags` or the internal variable (RFC 5232 section 5), and the header as it is now. */
function stored(call: Call): { flags: readonly string[]; header?: Buffer } {
  const header = call.run.mail.changed
  const flags = call.has('flags') ? flagsOf(call.texts('flags')) : call.run.flags
  return { flags, ...(header && { header }) }
}

function reject(call: Call): undefined {
  const type = call.bound.row.name as 'reject' | 'ereject'
  call.run.act({ type, reason: call.text('reason') }, 'rejected')
  call.run.cancelKeep()
}

async function fileinto(call: Call): Promise<undefined> {
  const { run } = call
  const specialUse = call.optional('specialuse')
  const create = call.has('create')
  let mailbox = call.text('mailbox')
  const found = specialUse === undefined ? undefined : await run.environment.specialUse?.(specialUse)
  if (found !== undefined) mailbox = found // RFC 8579 section 4: otherwise the named mailbox
  const isNew = create && specialUse !== undefined && found === undefined
  run.act(
    { type: 'fileinto', mailbox, create, ...(isNew && { specialUse }), ...stored(call) },
    `filed into ${mailbox}${call.has('copy') ? ' as a copy' : ''}`,
  )
  if (!call.has('copy')) run.cancelKeep() // RFC 3894 section 3
}

/** The actions that decide about the message. RFC 5228 section 4, RFC 3894, 5429, 5490, 8579. */
export const deliver: readonly CommandRow[] = [
  {
    name: 'keep',
    tags: FLAGS,
    run(call) {
      call.run.act({ type: 'keep', implicit: false, ...stored(call) }, 'kept in INBOX')
      call.run.cancelKeep()
      return undefined
    },
  },
  {
    name: 'fileinto',
    extensions: ['fileinto'],
    tags: {
      ...FLAGS,
      ...COPY,
      create: { extension: 'mailbox' },
      specialuse: { extension: 'special-use', value: { type: 'string', check: useProblem } },
    },
    arguments: [MAILBOX],
    run: fileinto,
  },
  {
    name: 'redirect',
    tags: COPY,
    arguments: [{ name: 'address', type: 'string', check: addressProblem }],
    run(call) {
      const address = call.text('address')
      const header = call.run.mail.changed
      const how = call.has('copy') ? ' as a copy' : ''
      call.run.act({ type: 'redirect', address, ...(header && { header }) }, `redirected to ${address}${how}`)
      if (!call.has('copy')) call.run.cancelKeep()
      return undefined
    },
  },
  {
    name: 'discard',
    run(call) {
      call.run.act({ type: 'discard' }, 'discarded')
      call.run.cancelKeep()
      return undefined
    },
  },
  { name: 'reject', extensions: ['reject'], arguments: REASON, run: reject },
  { name: 'ereject', extensions: ['ereject'], arguments: REASON, run: reject },
]
