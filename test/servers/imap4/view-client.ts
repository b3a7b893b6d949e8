import { expect } from 'vitest'
import type { LineClient } from '../../support/line-client.ts'

/** The state of a message that a client knows from the responses it has read. */
interface Known {
  uid?: number
  flags?: Set<string>
}

/** A client whose view of the mailbox comes from responses only. */
export class ViewClient {
  readonly name: string
  readonly #line: LineClient
  readonly byUid: boolean
  view: Known[] = []
  idling = false
  /** Whether the commands that run now allow EXPUNGE. RFC 9051 section 7.5.1. */
  mayExpunge = true
  /** Uids of the results that the server keeps up to date, by the tag of their UID SEARCH. */
  readonly results = new Map<string, Set<number>>()
  #tag = 0

  constructor(name: string, line: LineClient, byUid: boolean) {
    this.name = name
    this.#line = line
    this.byUid = byUid
  }

  /** Sends a command, reads up to its tagged reply, and returns that. */
  async command(text: string): Promise<string> {
    const tag = `${this.name}${++this.#tag}`
    this.#line.send(`${tag} ${text}\r\n`)
    return this.#readTo(tag)
  }

  /** Sends commands at once. Returns their tagged replies. */
  async pipeline(texts: readonly string[]): Promise<string[]> {
    const tags = texts.map(() => `${this.name}${++this.#tag}`)
    this.#line.send(texts.map((text, i) => `${tags[i]} ${text}\r\n`).join(''))
    const replies: string[] = []
    for (const tag of tags) replies.push(await this.#readTo(tag))
    return replies
  }

  /** Starts a UID SEARCH whose result the server keeps up to date. */
  async follow(criteria: string): Promise<void> {
    this.results.set(`${this.name}${this.#tag + 1}`, new Set())
    expect(await this.command(`UID SEARCH RETURN (UPDATE ALL) ${criteria}`)).toMatch(/^OK/)
  }

  async startIdle(): Promise<void> {
    this.idling = true
    this.#line.send(`${this.name}${++this.#tag} IDLE\r\n`)
    await this.#readTo('+')
  }

  async endIdle(): Promise<string> {
    this.idling = false
    this.#line.send('DONE\r\n')
    return this.#readTo(`${this.name}${this.#tag}`)
  }

  async #readTo(tag: string): Promise<string> {
    for (;;) {
      const line = await this.#line.line()
      if (line === undefined) throw new Error(`${this.name} was disconnected`)
      if (line.startsWith(`${tag} `)) return line.slice(tag.length + 1)
      this.#untagged(line)
    }
  }

  #untagged(line: string): void {
    const [, number, what, rest = ''] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)(.*)$/.exec(line) ?? []
    const vanished = /^\* VANISHED ([\d:,]+)$/.exec(line)?.[1]
    if (what === 'EXISTS') this.#exists(Number(number))
    else if (what === 'EXPUNGE') this.#gone(Number(number) - 1)
    else if (what === 'FETCH') this.#fetched(Number(number) - 1, rest)
    else if (line.startsWith('* ESEARCH ')) this.#found(line)
    else if (vanished) for (const uid of numbers(vanished)) this.#gone(this.#placeOf(uid))
    else if (/^\* (BAD|BYE)/.test(line)) throw new Error(`${this.name} received ${line}`)
  }

  /** Returns the position of a uid. If the client does not know the uid, it is the last unknown one before a greater uid. */
  #placeOf(uid: number): number {
    const index = this.view.findIndex((known) => known.uid === uid)
    if (index >= 0) return index
    const next = this.view.findIndex((known) => (known.uid ?? 0) > uid)
    const end = next === -1 ? this.view.length : next
    return this.view.slice(0, end).findLastIndex((known) => known.uid === undefined)
  }

  #exists(count: number): void {
    expect(count).toBeGreaterThanOrEqual(this.view.length)
    while (this.view.length < count) this.view.push({})
  }

  #found(line: string): void {
    const result = this.results.get(/TAG "([^"]+)"/.exec(line)?.[1] ?? '')
    if (!result) return
    for (const uid of numbers(/ ALL ([\d:,]+)/.exec(line)?.[1])) result.add(uid)
    for (const uid of numbers(/REMOVEFROM \(0 ([\d:,]+)\)/.exec(line)?.[1])) {
      if (!result.delete(uid)) throw new Error(`${this.name}: ${uid} is not in the result: ${line}`)
    }
    for (const uid of numbers(/ADDTO \(0 ([\d:,]+)\)/.exec(line)?.[1])) {
      if (result.has(uid)) throw new Error(`${this.name}: ${uid} is already in the result: ${line}`)
      result.add(uid)
    }
  }

  #gone(index: number): void {
    if (!this.mayExpunge) throw new Error(`${this.name}: an EXPUNGE while sequence numbers are in use`)
    expect(this.view[index], `${this.name}: no message ${index + 1}`).toBeDefined()
    this.view.splice(index, 1)
  }

  #fetched(index: number, data: string): void {
    const known = this.view[index]
    if (!known) throw new Error(`${this.name}: no message ${index + 1}`)
    const uid = /UID (\d+)/.exec(data)?.[1]
    const flags = /FLAGS \(([^)]*)\)/.exec(data)?.[1]
    if (uid !== undefined) {
      expect(known.uid ?? Number(uid), `${this.name}: uid of message ${index + 1}`).toBe(Number(uid))
      known.uid = Number(uid)
    }
    if (flags !== undefined)
      known.flags = new Set(flags.split(' ').filter((flag) => flag !== '' && flag !== '\\Recent'))
  }
}

const numbers = (set?: string): number[] =>
  (set?.split(',') ?? []).flatMap((part) => {
    const [from = 0, to = from] = part.split(':').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
