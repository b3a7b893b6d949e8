import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import type { SharedMap, SharedValues } from '../../core/values/shared-values.ts'

/** The configuration that a change over the API has made. */
interface Changed {
  readonly text: string
  /** Digests of the texts that it replaces, the latest last. */
  readonly replaces: readonly string[]
}

/** The part of a node's configuration that follows changes by other nodes. */
interface FollowingConfiguration {
  usedText(): Promise<string>
  /** Writes and applies a text, if the node still uses `from`. @throws ConfigError, ListenError, PkiError */
  follow(from: string, to: string): Promise<void>
}

const CURRENT = 'current'
const UNDER_WAY = 'under way'
/** A change that takes longer belongs to a node that has ended. */
const LONGEST_MS = 60_000
/** A node that was away for more changes than these keeps its own text. */
const KEPT_DIGESTS = 1_000

/** Thrown when two nodes change the configuration at the same time. */
class ChangeUnderWay extends Error {
  override readonly name = 'ChangeUnderWay'
  constructor() {
    super('another node is changing the configuration; try again')
  }
}

/**
 * Changes of the configuration over the API, which all nodes of a lab apply that use the same text. A node that was away
 * applies them when it starts. A node with another text keeps it: its owner has written it.
 */
export class SharedConfiguration {
  readonly #texts: SharedMap<Changed>
  readonly #own: FollowingConfiguration
  readonly #log: Logger
  #following: Promise<void> = Promise.resolve()
  readonly #unwatch: () => void

  constructor(values: SharedValues, own: FollowingConfiguration, log: Logger) {
    this.#texts = values.map('configuration')
    this.#own = own
    this.#log = log
    this.#unwatch = this.#texts.watch(({ key, value }) => {
      if (key === CURRENT && value) void this.follow()
    })
  }

  /** Resolves once this node applies the latest change, or has logged why it cannot. */
  follow(): Promise<void> {
    this.#following = this.#following.then(() => this.#follow())
    return this.#following
  }

  /**
   * Makes a change here, and then on the other nodes.
   * @param apply makes it here. Undefined: nothing has changed
   * @param undo takes it back, if the other nodes cannot learn it
   * @throws ChangeUnderWay, what `apply` throws, and the temporary error of the database; nothing has changed then
   */
  async change<T>(
    { from, to }: { readonly from: string; readonly to: string },
    apply: () => Promise<T | undefined>,
    undo: () => Promise<unknown>,
  ): Promise<T | undefined> {
    if (!(await this.#texts.claim(UNDER_WAY, NOTHING, { ttlMs: LONGEST_MS }))) throw new ChangeUnderWay()
    try {
      const applied = await apply()
      if (applied !== undefined)
        await this.#publish(from, to).catch(async (error: unknown) => {
          await undo()
          throw error
        })
      return applied
    } finally {
      // Without the database, it is over after its time.
      await this.#texts.delete(UNDER_WAY).catch((err: unknown) => this.#log.debug({ err }, NOT_ENDED))
    }
  }

  /** Forgets the changes over the API if the owner of this node has put another text in their place. */
  async replaced(by: string): Promise<void> {
    const current = this.#texts.get(CURRENT)
    if (current?.replaces.includes(digestOf(by))) await this.#texts.delete(CURRENT)
  }

  [Symbol.dispose](): void {
    this.#unwatch()
  }

  async #publish(from: string, to: string): Promise<void> {
    const current = this.#texts.get(CURRENT)
    const earlier = current && current.text === from ? current.replaces : []
    const replaces = [...earlier, digestOf(from)].filter((digest) => digest !== digestOf(to))
    await this.#texts.put(CURRENT, { text: to, replaces: replaces.slice(-KEPT_DIGESTS) })
  }

  async #follow(): Promise<void> {
    const current = this.#texts.get(CURRENT)
    if (!current) return
    try {
      const own = await this.#own.usedText()
      if (own === current.text) return
      if (current.replaces.includes(digestOf(own))) {
        await this.#own.follow(own, current.text)
        this.#log.info('applied a change of the configuration that was made on another node')
      } else this.#log.warn(DIFFERENT)
    } catch (err) {
      this.#log.error({ err }, 'a change of the configuration by another node cannot be applied here')
    }
  }
}

const DIFFERENT =
  'this node does not use the configuration that was changed on another node, and keeps its own; start all nodes with the same file'

const NOT_ENDED = 'the end of a change of the configuration was not noted'

const NOTHING: Changed = { text: '', replaces: [] }

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url')
