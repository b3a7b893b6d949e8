import { createHash } from 'node:crypto'
import { compileScript } from '../../../src/mail/sieve/sieve.ts'
import { type Vacation, vacationScript } from '../../../src/mail/sieve/vacation-script.ts'
import { SieveScripts } from '../../../src/storage/store/sieve-scripts.ts'
import { VACATION } from './capabilities.ts'
import { isString, patched } from './standard.ts'
import { type DataType, invalidProperties, type JmapRequest, SetError } from './types.ts'

const ID = 'singleton'
const OFF: Vacation = {
  ...{ isEnabled: false, fromDate: null, toDate: null },
  ...{ subject: null, textBody: null, htmlBody: null },
}

/** RFC 8620 section 1.4, UTCDate. */
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/
const isDate = (value: unknown): boolean =>
  value === null || (isString(value) && DATE.test(value) && !Number.isNaN(Date.parse(value)))
const isText = (value: unknown): boolean => value === null || (isString(value) && !value.includes('\0'))
const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  isEnabled: (value) => typeof value === 'boolean',
  fromDate: isDate,
  toDate: isDate,
  subject: (value) => isText(value) && !/[\r\n]/.test(String(value)),
  textBody: isText,
  htmlBody: isText,
}

const scriptsOf = ({ account: { store, account }, context }: JmapRequest) =>
  new SieveScripts(store, account, context.sieve)

const current = async (request: JmapRequest): Promise<Vacation> => (await scriptsOf(request).vacation()) ?? OFF

/** The vacation reply, which a Sieve script sends that runs beside the active one. RFC 8621 section 8. */
export const vacationResponse: DataType = {
  name: 'VacationResponse',
  capability: VACATION,
  properties: ['id', ...Object.keys(OFF)],
  state: async (call) =>
    createHash('sha256')
      .update(JSON.stringify(await current(call)))
      .digest('base64url')
      .slice(0, 16),
  get: async (call, ids) => (ids === null || ids.includes(ID) ? [{ id: ID, ...(await current(call)) }] : []),

  create: async () => {
    throw new SetError('singleton', 'there is one vacation response, with the id singleton; update it')
  },

  async update(call, id, patch) {
    if (id !== ID) throw new SetError('notFound', `there is no vacation response ${id}; its id is ${ID}`)
    const { id: same, ...next } = patched({ id, ...(await current(call)) }, patch)
    const wrong = [...(same === id ? [] : ['id']), ...Object.keys(next).filter((name) => !CHECKS[name]?.(next[name]))]
    if (wrong.length > 0) throw invalidProperties(wrong, `${wrong.join(', ')} cannot have this value`)
    const vacation = next as unknown as Vacation
    const compiled = compileScript(vacationScript(vacation), { scriptOctets: call.context.sieve.scriptSize })
    if ('errors' in compiled) throw new SetError('tooLarge', compiled.errors[0]?.message ?? 'the reply is too large')
    await scriptsOf(call).setVacation(vacation)
    return null
  },

  destroy: async () => {
    throw new SetError('singleton', 'the vacation response cannot be destroyed; set isEnabled to false')
  },
}
