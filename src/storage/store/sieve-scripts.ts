import { createHash, randomBytes } from 'node:crypto'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { type Vacation, vacationScript } from '../../mail/sieve/vacation-script.ts'
import { accountOwner, type Owner } from './folder.ts'
import type { MessageStore } from './types.ts'
import type { ValueChanges, ValueSpace, Values } from './value-types.ts'

/** How many scripts an account may have, and how large each may be. */
export interface ScriptLimits {
  readonly scripts: number
  readonly scriptSize: number
}

/** The owner of scripts, with the script that the configuration gives it. */
interface ScriptOwner {
  readonly user: string
  readonly sieve?: string | undefined
}

/** A script in a list. */
export interface ListedScript {
  readonly name: string
  /** Stays when the script is renamed. */
  readonly id: string
  readonly isActive: boolean
  readonly content: Buffer
}

/** The response codes of ManageSieve for refused changes. RFC 5804 section 1.3. */
type ScriptCode = 'ACTIVE' | 'ALREADYEXISTS' | 'NONEXISTENT' | 'QUOTA/MAXSCRIPTS' | 'QUOTA/MAXSIZE'

/** A script that runs on mail. */
interface RunningScript {
  readonly name: string
  readonly content: Buffer
}

/** A change of scripts that is refused. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
  readonly code: ScriptCode | undefined
  constructor(message: string, code?: ScriptCode) {
    super(message)
    this.code = code
  }
}

/** The name of the script that the configuration gives an account. It is active unless the account chooses another script, or none. */
export const CONFIGURED_SCRIPT = 'configuration'

/** The name of the script with the vacation reply that an account has set by JMAP. It runs beside the active one. */
export const VACATION_SCRIPT = 'vacation response'

/**
 * Values of the kind `sieve`: the scripts and their ids by their names with a prefix, the name of the active one, and the
 * settings of the vacation reply.
 */
const SCRIPT = 'script '
const ID = 'id '
const ACTIVE = 'active'
const VACATION = 'vacation'

/** RFC 5804 section 1.6: no control characters and line separators. */
const NOT_IN_NAMES = /[\p{Cc}\u2028\u2029]/u
/** RFC 5804 section 1.6: names of 128 characters must be possible, which may have 512 octets. */
const MAX_NAME_OCTETS = 512

/** Checks the name of a script. @throws ScriptError */
function assertScriptName(name: string): void {
  if (name === '') throw new ScriptError('The name of a script must not be empty.')
  if (NOT_IN_NAMES.test(name)) throw new ScriptError('The name of a script must not have control characters.')
  if (Buffer.byteLength(name) > MAX_NAME_OCTETS)
    throw new ScriptError(`The name of a script must not have more than ${MAX_NAME_OCTETS} octets.`)
}

type ScriptStore = Pick<MessageStore, 'values' | 'changeValues' | 'hasState' | 'setState'>

/** The state that says that an owner may have scripts, so that a delivery to others reads nothing. */
const stateKey = (owner: Owner): string => `sieve ${owner}`

/** The scripts of one account, in the store. Every change throws ScriptError if it is refused, and StoreError. */
export class SieveScripts {
  readonly #store: ScriptStore
  readonly #owner: Owner
  readonly #space: ValueSpace
  readonly #configured: string | undefined
  readonly #limits: ScriptLimits

  constructor(store: ScriptStore, { user, sieve }: ScriptOwner, limits: ScriptLimits) {
    this.#store = store
    this.#owner = accountOwner(user)
    this.#space = { kind: 'sieve', reader: this.#owner }
    this.#configured = sieve
    this.#limits = limits
  }

  /** Returns the scripts in the order of their names. */
  async list(): Promise<readonly ListedScript[]> {
    const values = await this.#store.values(this.#space)
    const active = this.#activeIn(values)
    return this.#namesIn(values).map((name) => {
      const content = this.#contentIn(values, name) ?? Buffer.alloc(0)
      return { name, id: idIn(values, name), isActive: name === active, content }
    })
  }

  /** Returns the content of a script. @throws ScriptError `NONEXISTENT` */
  async get(name: string): Promise<Buffer> {
    return this.#contentIn(await this.#store.values(this.#space), name) ?? missing(name)
  }

  /** Returns a script for `include`; undefined if it does not exist. */
  async find(name: string): Promise<Buffer | undefined> {
    return this.#contentIn(await this.#store.values(this.#space), name)
  }

  /** Returns the active script; undefined if none is active. */
  async active(): Promise<RunningScript | undefined> {
    return (await this.running()).active
  }

  /** Returns the scripts that run on mail: the active one, and that of the vacation reply. */
  async running(): Promise<{ readonly active?: RunningScript; readonly vacation?: RunningScript }> {
    const values = this.#store.hasState(stateKey(this.#owner)) ? await this.#store.values(this.#space) : new Map()
    const scriptNamed = (name: string | undefined): RunningScript | undefined => {
      const content = name === undefined ? undefined : this.#contentIn(values, name)
      return name === undefined || content === undefined ? undefined : { name, content }
    }
    return omitUndefined({ active: scriptNamed(this.#activeIn(values)), vacation: scriptNamed(VACATION_SCRIPT) })
  }

  /** Returns the settings of the vacation reply; undefined if they were never set. */
  async vacation(): Promise<Vacation | undefined> {
    return vacationIn(await this.#store.values({ ...this.#space, names: [VACATION] }))
  }

  /** Sets the vacation reply. Other scripts stay as they are. */
  setVacation(vacation: Vacation): Promise<void> {
    return this.#change(() => new Map([[VACATION, Buffer.from(JSON.stringify(vacation))]]))
  }

  /** Checks whether a script of a size could be stored. RFC 5804 section 2.5. */
  async assertSpace(name: string, octets: number): Promise<void> {
    this.#assertFits(await this.#store.values(this.#space), name, octets)
  }

  /** Stores a script, in the place of one with the same name. The caller has compiled it. RFC 5804 section 2.6. */
  put(name: string, content: Buffer): Promise<void> {
    return this.#change((values) => {
      this.#assertFits(values, name, content.length)
      const isNew = !values.has(SCRIPT + name)
      return new Map([[SCRIPT + name, content], ...(isNew ? [[ID + name, randomBytes(12)] as const] : [])])
    })
  }

  /** Activates a script; an empty name deactivates all. RFC 5804 section 2.8. */
  activate(name: string): Promise<void> {
    return this.#change((values) => {
      if (name !== '' && this.#contentIn(values, name) === undefined) return missing(name)
      if (name === VACATION_SCRIPT) throw new ScriptError('The vacation reply runs beside the active script already.')
      return new Map([[ACTIVE, Buffer.from(name)]])
    })
  }

  /** Deletes a script that is not active. RFC 5804 section 2.10. */
  delete(name: string): Promise<void> {
    return this.#change((values) => {
      if (this.#contentIn(values, name) === undefined) return missing(name)
      if (this.#activeIn(values) === name)
        throw new ScriptError('The script is active; activate another one first, or none.', 'ACTIVE')
      assertChangeable(name)
      return new Map([SCRIPT, ID].map((kind) => [kind + name, undefined]))
    })
  }

  /** Renames a script; the active one stays active. RFC 5804 section 2.11. */
  rename(from: string, to: string): Promise<void> {
    return this.#change((values) => {
      const content = this.#contentIn(values, from) ?? missing(from)
      assertScriptName(to)
      if (this.#contentIn(values, to) !== undefined)
        throw new ScriptError(`There is a script ${JSON.stringify(to)} already.`, 'ALREADYEXISTS')
      assertChangeable(from)
      assertChangeable(to)
      return new Map<string, Buffer | undefined>([
        [SCRIPT + from, undefined],
        [ID + from, undefined],
        [SCRIPT + to, content],
        [ID + to, Buffer.from(idIn(values, from), 'base64url')],
        ...(this.#activeIn(values) === from ? [[ACTIVE, Buffer.from(to)] as const] : []),
      ])
    })
  }

  async #change(change: (values: Values) => ValueChanges): Promise<void> {
    let refusal: unknown
    const key = stateKey(this.#owner)
    if (!this.#store.hasState(key)) await this.#store.setState(key, 'scripts')
    await this.#store.changeValues(this.#space, (values) => {
      refusal = undefined
      try {
        return change(values)
      } catch (error) {
        refusal = error
        return new Map()
      }
    })
    if (refusal !== undefined) throw refusal
  }

  #assertFits(values: Values, name: string, octets: number): void {
    assertScriptName(name)
    assertChangeable(name)
    const { scripts, scriptSize } = this.#limits
    if (octets > scriptSize)
      throw new ScriptError(`A script may have ${scriptSize} octets (mail.sieve.scriptSize).`, 'QUOTA/MAXSIZE')
    const others = [...values.keys()].filter((key) => key.startsWith(SCRIPT) && key !== SCRIPT + name)
    if (others.length >= scripts)
      throw new ScriptError(`An account may have ${scripts} scripts (mail.sieve.scripts).`, 'QUOTA/MAXSCRIPTS')
  }

  #namesIn(values: Values): string[] {
    const stored = [...values.keys()].filter((key) => key.startsWith(SCRIPT)).map((key) => key.slice(SCRIPT.length))
    const others = [CONFIGURED_SCRIPT, VACATION_SCRIPT].filter((name) => this.#contentIn(values, name) !== undefined)
    return [...others, ...stored].sort()
  }

  #contentIn(values: Values, name: string): Buffer | undefined {
    if (name === VACATION_SCRIPT) {
      const vacation = vacationIn(values)
      return vacation?.isEnabled ? Buffer.from(vacationScript(vacation)) : undefined
    }
    if (name !== CONFIGURED_SCRIPT) return values.get(SCRIPT + name)
    return this.#configured === undefined ? undefined : Buffer.from(this.#configured)
  }

  #activeIn(values: Values): string | undefined {
    const chosen = values.get(ACTIVE)?.toString()
    if (chosen !== undefined && chosen !== CONFIGURED_SCRIPT) return chosen === '' ? undefined : chosen
    return this.#configured === undefined ? undefined : CONFIGURED_SCRIPT
  }
}

/** @throws ScriptError */
function assertChangeable(name: string): void {
  if (name === CONFIGURED_SCRIPT)
    throw new ScriptError(`The script ${name} is the one in the configuration of the lab; change it there.`)
  if (name === VACATION_SCRIPT)
    throw new ScriptError(`The script ${JSON.stringify(name)} is made of the vacation reply; change that by JMAP.`)
}

/** Returns the id of a script. Those of the lab, and of older stores, are made of the name. */
const idIn = (values: Values, name: string): string =>
  (values.get(ID + name) ?? createHash('sha256').update(name).digest().subarray(0, 12)).toString('base64url')

function vacationIn(values: Values): Vacation | undefined {
  const content = values.get(VACATION)
  return content && JSON.parse(`${content}`)
}

function missing(name: string): never {
  throw new ScriptError(`There is no script ${JSON.stringify(name)}.`, 'NONEXISTENT')
}

/** Deletes the scripts of an owner, what they remember, and the owner's identities and submissions. @throws StoreError */
export async function forgetScripts(store: ScriptStore, reader: Owner): Promise<void> {
  if (store.hasState(stateKey(reader))) await store.setState(stateKey(reader), undefined)
  for (const kind of ['sieve', 'sieve-memory', 'identity', 'submission'] as const)
    await store.changeValues({ kind, reader }, (values) => new Map([...values.keys()].map((name) => [name, undefined])))
}
