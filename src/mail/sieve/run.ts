import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import type { Bound, BoundValue } from './bind.ts'
import { type CommandRow, type Flow, SieveFailure, type TestRow, type ValueRow } from './language.ts'
import { SieveMail } from './mail.ts'
import type { Template } from './templates.ts'
import type {
  SieveAction,
  SieveEnvironment,
  SieveLimits,
  SieveMessage,
  SievePlace,
  SieveResult,
  SieveScript,
} from './types.ts'

/** A compiled script. */
export class CompiledScript implements SieveScript {
  readonly requires: readonly string[]
  readonly commands: readonly Bound<CommandRow>[]
  constructor(requires: readonly string[], commands: readonly Bound<CommandRow>[]) {
    this.requires = requires
    this.commands = commands
  }
}

/** The state that one script of a run does not share with others. RFC 6609 section 3.4 */
interface Scope {
  /** The name of an included script. */
  readonly name?: string
  readonly variables: Map<string, string>
  /** Names that `global` declared. */
  readonly globals: Set<string>
  /** The match variables. RFC 5229 section 3.2 */
  matched: readonly string[]
  /** The extensions that `require` or `ihave` enabled. */
  readonly enabled: Set<string>
}

const MAX_VARIABLES = 1000
const MAX_VARIABLE_CHARS = 64 * 1024
/** RFC 6609 section 3.1: levels of included scripts. */
const MAX_INCLUDES = 10

type Action = SieveAction extends infer One ? (One extends SieveAction ? Omit<One, keyof SievePlace> : never) : never

/** One run of a script. It collects the actions; nothing is executed here. */
export class Run {
  readonly mail: SieveMail
  readonly message: SieveMessage
  readonly environment: SieveEnvironment
  readonly limits: SieveLimits
  readonly extensions: ReadonlySet<string>
  /** Whether a vacation command was executed. */
  vacationDone = false
  /** The internal variable of RFC 5232 section 2. */
  flags: readonly string[] = []
  scope: Scope
  readonly #globals = new Map<string, string>()
  readonly #actions: SieveAction[] = []
  readonly #remember: { key: string; seconds: number }[] = []
  readonly #trace: (SievePlace & { text: string })[] = []
  readonly #included = new Set<string>()
  readonly #open: string[] = []
  #isKept = true
  #steps = 0
  #work = 0
  #line = 0

  /** @param extensions all that exist */
  constructor(
    message: SieveMessage,
    environment: SieveEnvironment,
    limits: SieveLimits,
    extensions: ReadonlySet<string>,
  ) {
    this.extensions = extensions
    this.message = message
    this.environment = environment
    this.limits = limits
    this.mail = new SieveMail(message)
    this.scope = newScope([])
  }

  async result(script: CompiledScript): Promise<SieveResult> {
    this.scope = newScope(script.requires)
    try {
      await this.block(script.commands)
      if (this.#isKept) this.#keep(this.mail.changed)
      return { actions: this.#actions, remember: this.#remember, trace: this.#trace }
    } catch (error) {
      if (!(error instanceof SieveFailure)) throw error
      // RFC 5228 section 2.10.6, RFC 5293 section 7: the message as it came
      const { message } = error
      this.#actions.length = 0
      this.tell(`error: ${message}`)
      const place = this.#place()
      this.flags = []
      this.#keep(undefined)
      return { actions: this.#actions, remember: [], trace: this.#trace, error: { ...place, message } }
    }
  }

  #keep(header: Buffer | undefined): void {
    this.tell('kept in INBOX, because no other action decided about the message')
    this.#actions.push({
      type: 'keep',
      implicit: true,
      flags: this.flags,
      ...(header && { header }),
      ...this.#place(),
    })
  }

  #place(): SievePlace {
    return { ...(this.scope.name !== undefined && { script: this.scope.name }), line: this.#line }
  }

  tell(text: string): void {
    this.#trace.push({ ...this.#place(), text })
  }

  async block(commands: readonly Bound<CommandRow>[]): Promise<Flow | undefined> {
    let wasTrue = false
    for (const bound of commands) {
      const { name, run } = bound.row
      // RFC 5228 section 3.1: the blocks of one if, and the first whose test is true
      const isBranch = name === 'elsif' || name === 'else'
      if (isBranch && wasTrue) continue
      await this.#begin(bound)
      if (name === 'if' || isBranch) {
        wasTrue = name === 'else' || (await this.test(bound.tests[0] as Bound<TestRow>))
        this.#line = bound.line
        if (!wasTrue) continue
      }
      const flow = await run(new Call(this, bound))
      if (flow) return flow
    }
    return undefined
  }

  async test(bound: Bound<TestRow>): Promise<boolean> {
    await this.#begin(bound)
    return bound.row.test(new Call(this, bound))
  }

  /** Counts a step, and lets others run. @throws SieveFailure */
  async #begin(bound: Bound<CommandRow | TestRow>): Promise<void> {
    this.#line = bound.line
    if (++this.#steps > this.limits.steps)
      throw new SieveFailure(`the script runs more than ${this.limits.steps} commands and tests`)
    const missing = bound.needs.find((one) => !this.scope.enabled.has(one))
    if (missing !== undefined)
      throw new SieveFailure(`${bound.row.name} needs a true test ihave "${missing}" before it`) // RFC 5463 section 4
    if (isSliceOver()) await nextSlice()
  }

  /** Counts characters that are compared. @throws SieveFailure */
  work(chars: number): void {
    this.#work += chars
    if (this.#work > this.limits.work)
      throw new SieveFailure('the script compares too much text; use fewer or simpler tests')
  }

  expand(template: Template): string {
    if (typeof template === 'string') return template
    let text = ''
    for (const piece of template) {
      if (typeof piece === 'string') text += piece
      else if ('match' in piece) text += this.scope.matched[piece.match] ?? ''
      else text += this.variable(piece.namespace === 'global' ? `global.${piece.name}` : piece.name)
      if (text.length > MAX_VARIABLE_CHARS) break
    }
    this.work(text.length >> 3)
    return cut(text)
  }

  /** Returns the map and the name in it. RFC 6609 section 3.4.2 */
  #variable(name: string): readonly [Map<string, string>, string] {
    const lower = name.toLowerCase()
    const plain = lower.replace(/^global\./, '')
    return plain !== lower || this.scope.globals.has(plain) ? [this.#globals, plain] : [this.scope.variables, plain]
  }

  /** Returns the value of a variable; empty if it is not set (RFC 5229 section 3). */
  variable(name: string): string {
    const [variables, plain] = this.#variable(name)
    return variables.get(plain) ?? ''
  }

  set(name: string, value: string): void {
    const [variables, plain] = this.#variable(name)
    if (!variables.has(plain) && variables.size >= MAX_VARIABLES)
      throw new SieveFailure(`there are more than ${MAX_VARIABLES} variables`)
    variables.set(plain, cut(value))
  }

  /** Cancels the implicit keep. RFC 5228 section 2.10.2 */
  cancelKeep(): void {
    this.#isKept = false
  }

  /** Adds an action, or replaces the one that does the same. @throws SieveFailure if it contradicts another, or there are too many */
  act(action: Action, text: string): void {
    const entry = { ...action, ...this.#place() } as SieveAction
    const isRejection = REJECTIONS.has(action.type)
    const other = this.#actions.find(({ type }) =>
      REJECTIONS.has(type) ? isRejection || DECISIONS.has(action.type) : isRejection && DECISIONS.has(type),
    )
    // RFC 5429 section 2.4, RFC 5230 section 4.7
    if (other)
      throw new SieveFailure(`${action.type} contradicts the ${other.type} of line ${other.line}; use only one of them`)
    const same = this.#actions.findIndex((one) => identity(one) === identity(entry))
    this.tell(text)
    if (same >= 0) {
      // RFC 5228 section 2.10.3; RFC 5232 section 3: the last flags win
      this.#actions[same] = entry
      return
    }
    if (this.#actions.length >= this.limits.actions)
      throw new SieveFailure(`the script has more than ${this.limits.actions} actions`)
    const sent = this.#actions.filter(({ type }) => type === action.type).length
    if ((action.type === 'redirect' || action.type === 'notify') && sent >= this.limits.redirects)
      throw new SieveFailure(`the script has more than ${this.limits.redirects} actions ${action.type}`) // RFC 5228 section 10
    this.#actions.push(entry)
  }

  /** Keeps a key once the run succeeded. */
  remember(key: string, seconds: number): void {
    if (seconds > 0) this.#remember.push({ key, seconds })
  }

  /** Runs an included script. `return` in it ends only this script. RFC 6609 section 3.2. @throws SieveFailure */
  async include(
    name: string,
    location: 'personal' | 'global',
    options: { once: boolean; optional: boolean },
  ): Promise<Flow | undefined> {
    const key = `${location}:${name}`
    if (options.once && this.#included.has(key)) return undefined
    if (this.#open.includes(key)) throw new SieveFailure(`the script ${name} includes itself`)
    if (this.#open.length >= MAX_INCLUDES)
      throw new SieveFailure(`scripts include each other over more than ${MAX_INCLUDES} levels`)
    const found = await this.environment.included?.(name, location)
    if (!found) {
      if (options.optional) return undefined
      throw new SieveFailure(
        `there is no ${location} script ${JSON.stringify(name)} to include; add :optional if it may be missing`,
      )
    }
    if ('errors' in found)
      throw new SieveFailure(
        `the included script ${name} has an error in line ${found.errors[0]?.line}: ${found.errors[0]?.message}`,
      )
    this.#included.add(key)
    this.#open.push(key)
    const outer = { scope: this.scope, line: this.#line }
    this.scope = newScope(found.script.requires, name)
    const flow = await this.block((found.script as CompiledScript).commands)
    this.scope = outer.scope
    this.#line = outer.line
    this.#open.pop()
    return flow === 'stop' ? 'stop' : undefined
  }
}

const newScope = (requires: readonly string[], name?: string): Scope => ({
  ...(name !== undefined && { name }),
  variables: new Map(),
  globals: new Set(),
  matched: [],
  enabled: new Set(requires),
})

const REJECTIONS = new Set(['reject', 'ereject'])
const DECISIONS = new Set(['keep', 'fileinto', 'redirect', 'discard', 'vacation'])

/** Two actions with one identity do the same. */
function identity(action: SieveAction): string {
  if (action.type === 'keep') return 'mailbox INBOX'
  if (action.type === 'fileinto') return `mailbox ${/^inbox$/i.test(action.mailbox) ? 'INBOX' : action.mailbox}`
  if (action.type === 'redirect') return `redirect ${action.address.toLowerCase()}`
  return action.type === 'notify' ? `notify ${action.to.join()}` : action.type
}

/** Cuts a text to the limit of a variable, not inside a character. RFC 5229 section 3 */
const cut = (text: string): string =>
  text.length <= MAX_VARIABLE_CHARS ? text : text.slice(0, MAX_VARIABLE_CHARS).replace(/[\ud800-\udbff]$/, '')

/** A command or test that runs: its arguments with the variables expanded. */
export class Call {
  readonly run: Run
  readonly bound: Bound<CommandRow | TestRow>

  constructor(run: Run, bound: Bound<CommandRow | TestRow>) {
    this.run = run
    this.bound = bound
  }

  has(name: string): boolean {
    return this.bound.values.has(name)
  }

  number(name: string): number | undefined {
    const value = this.bound.values.get(name)
    return typeof value === 'number' ? value : undefined
  }

  /** Returns the strings of an argument; an empty list if it is absent. @throws SieveFailure if one is invalid */
  texts(name: string): string[] {
    const value: BoundValue | undefined = this.bound.values.get(name)
    if (typeof value !== 'object') return []
    return value.texts.map((template) => {
      const text = this.run.expand(template)
      if (typeof template !== 'string') checkAtRun(value.row, text, name)
      return text
    })
  }

  optional(name: string): string | undefined {
    return this.texts(name)[0]
  }

  /** Returns the string of an argument that is always there. */
  text(name: string): string {
    return this.texts(name)[0] as string
  }

  /** Returns the values that `:index` selects. RFC 5260 section 6. */
  indexed<T>(values: readonly T[]): readonly T[] {
    const index = this.number('index')
    if (index === undefined) return values
    const at = this.has('last') ? values.length - index : index - 1
    return values.slice(Math.max(at, 0), Math.max(at + 1, 0))
  }

  /** Runs the tests of this command or test, from the left. */
  test(index: number): Promise<boolean> {
    return this.run.test(this.bound.tests[index] as Bound<TestRow>)
  }
}

function checkAtRun(row: ValueRow, text: string, name: string): void {
  const problem = row.check?.(text)
  if (problem) throw new SieveFailure(`the ${name} ${JSON.stringify(text.slice(0, 200))} is invalid: ${problem}`)
}
