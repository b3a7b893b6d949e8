import { compileScript } from '../../../src/mail/sieve/sieve.ts'
import { type Vacation, vacationScript } from '../../../src/mail/sieve/vacation-script.ts'
import { SieveScripts } from '../../../src/storage/store/sieve-scripts.ts'
import { VACATION } from './capabilities.ts'
import { isBoolean, isString, isUtcDate, orNull, type Test } from './checks.ts'
import { listed } from './listed.ts'
import { editedObject } from './standard.ts'
import { type DataType, type JmapRequest, SetError } from './types.ts'

const ID = 'singleton'
const OFF: Vacation = {
  isEnabled: false,
  fromDate: null,
  toDate: null,
  subject: null,
  textBody: null,
  htmlBody: null,
}

const isText = orNull((value) => isString(value) && !value.includes('\0'))
const SETTABLE: Readonly<Record<keyof Vacation, Test>> = {
  isEnabled: isBoolean,
  fromDate: orNull(isUtcDate),
  toDate: orNull(isUtcDate),
  subject: (value) => isText(value) && !/[\r\n]/.test(String(value)),
  textBody: isText,
  htmlBody: isText,
}

const scriptsOf = ({ account: { store, account }, context }: JmapRequest) =>
  new SieveScripts(store, account, context.sieve)

/** The vacation reply, which a Sieve script sends that runs beside the active one. RFC 8621 section 8. */
export const vacationResponse: DataType = {
  name: 'VacationResponse',
  capability: VACATION,
  properties: ['id', ...Object.keys(OFF)],
  ...listed(async (call) => [{ id: ID, ...((await scriptsOf(call).vacation()) ?? OFF) }]),

  create: async () => {
    throw new SetError('singleton', 'there is one vacation response, with the id singleton; update it')
  },

  async update(call, id, patch) {
    const { after } = await editedObject(vacationResponse, SETTABLE, call, id, patch)
    const { id: _, ...next } = after
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
