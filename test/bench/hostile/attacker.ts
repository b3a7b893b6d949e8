import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { LoadClient } from '../frame/wire.ts'
import type { Prey } from './prey.ts'

const HOST = '127.0.0.1'
/** The innocent client has 127.0.0.1, so the limits of single addresses apply to the attacker alone. */
const ADDRESS = '127.0.0.2'

/** A client that attacks a lab, with as many connections and addresses as it likes. */
export class Attacker {
  readonly prey: Prey
  readonly #sockets = new Set<Socket>()
  readonly #wires = new Set<LoadClient>()
  #isOver = false

  constructor(prey: Prey) {
    this.prey = prey
  }

  /** Whether the time of the attack is over. */
  get isOver(): boolean {
    return this.#isOver
  }

  port(name: string): number {
    return this.prey.ports[name] ?? 0
  }

  /** Opens a connection, and discards what the server sends. Does not wait for anything. */
  open(server: string, localAddress = ADDRESS): Socket {
    const socket = connect({ host: HOST, port: this.port(server), localAddress, noDelay: true })
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    return socket.resume()
  }

  /** Opens many connections at the same time. */
  openMany(count: number, server: string, localAddress = ADDRESS): Socket[] {
    return Array.from({ length: count }, () => this.open(server, localAddress))
  }

  /** Opens a connection and waits for the greeting. */
  async greeted(server: string): Promise<LoadClient> {
    const wire = await LoadClient.open({ host: HOST, port: this.port(server) }, ADDRESS)
    this.#wires.add(wire)
    await wire.until('\r\n')
    return wire
  }

  /** Logs on by IMAP4 as `alice`, with INBOX selected. */
  async loggedOn(): Promise<LoadClient> {
    const wire = await this.greeted('imap4')
    await wire.ask('l LOGIN alice secret\r\ns SELECT INBOX\r\n', 's OK')
    await wire.until('\r\n')
    return wire
  }

  /** Stores messages, and returns the session, with INBOX selected. */
  async store(...messages: readonly (string | Buffer)[]): Promise<LoadClient> {
    const wire = await this.loggedOn()
    for (const message of messages) {
      const octets = Buffer.from(message as string, 'latin1')
      wire.send(`a APPEND INBOX {${octets.length}+}\r\n`)
      wire.send(octets)
      wire.send('\r\n')
    }
    await wire.until('a OK', messages.length)
    await wire.ask('n NOOP\r\n', 'n OK')
    await wire.until('\r\n')
    return wire
  }

  /** Repeats a step until the time is over, pausing so that the attacker's own work does not delay its end. */
  async repeat(step: (round: number) => Promise<void> | void, pauseMs = 0): Promise<void> {
    for (let round = 0; !this.#isOver; round++) {
      await step(round)
      await sleep(pauseMs)
    }
  }

  /** Resolves when the time of the attack is over. */
  end(): Promise<void> {
    return this.repeat(() => {}, 20)
  }

  /** Ends the time of the attack. */
  stop(): void {
    this.#isOver = true
  }

  /** Closes every connection. */
  close(): void {
    this.stop()
    for (const socket of this.#sockets) socket.destroy()
    for (const wire of this.#wires) wire.close()
  }
}

/** Returns a text repeated to about `octets` octets. */
export const repeated = (text: string, octets: number): string => text.repeat(Math.ceil(octets / text.length))
