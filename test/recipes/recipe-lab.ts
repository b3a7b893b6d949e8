import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { type LabInput, startLab } from '../../src/testing/index.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'

interface LabOfNpmStart extends LabInput {
  readonly portOffset: number
  readonly virtualServers: {
    readonly protocol: 'smtp' | 'pop3' | 'imap4' | 'nntp' | 'http'
    readonly port: number
    readonly tlsPort?: number
  }[]
}

const file = fileURLToPath(new URL('../../config/default.yaml', import.meta.url))

/** The lab of `npm start`, which the recipes use, on free ports. */
export class RecipeLab implements AsyncDisposable {
  readonly lab: TestLab
  /** The ports that the recipes name, and those that the lab has instead. */
  readonly #ports: ReadonlyMap<string, number>

  private constructor(lab: TestLab, ports: ReadonlyMap<string, number>) {
    this.lab = lab
    this.#ports = ports
  }

  /** @param more keys that the recipe sets besides those of `npm start` */
  static async start(more: LabInput = {}): Promise<RecipeLab> {
    const { portOffset, virtualServers, certificates: _, ...rest } = parse(readFileSync(file, 'utf8')) as LabOfNpmStart
    const lab = await startLab({
      ...rest,
      virtualServers: virtualServers.map(({ protocol, tlsPort }) => ({
        protocol,
        ...(tlsPort ? {} : { tlsPort: 'off' }),
      })),
      ...more,
    })
    const ports = new Map<string, number>()
    for (const { protocol, port, tlsPort } of virtualServers) {
      const here = lab.server(protocol)
      ports.set(String(port + portOffset), here.port)
      if (tlsPort) ports.set(String(tlsPort + portOffset), here.tlsPort)
    }
    return new RecipeLab(lab, ports)
  }

  /** Returns the text of a recipe with the ports of this lab, and of `more`. */
  here(text: string, more: ReadonlyMap<string, number> = new Map()): string {
    return text.replaceAll(/\b\d{4,5}\b/g, (number) => String(more.get(number) ?? this.#ports.get(number) ?? number))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lab.stop()
  }
}
