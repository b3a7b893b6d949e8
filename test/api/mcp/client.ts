import {
  Client,
  type JsonSchemaValidator,
  type jsonSchemaValidator,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv'
import type { HttpLab } from '../../servers/http/client.ts'

/** The revisions of the protocol: with and without `initialize`. */
export const eras = ['legacy', 'auto'] as const
export type Era = (typeof eras)[number]

/** A result of a tool, as tests look at it. */
interface Result {
  readonly isError?: boolean
  readonly content: readonly { readonly type: string; readonly text: string; readonly _meta?: object }[]
  // biome-ignore lint/suspicious/noExplicitAny: tests check the shape themselves
  readonly structuredContent?: any
  readonly _meta?: object
}

type CallOptions = Parameters<Client['callTool']>[1]

const ajv = new AjvJsonSchemaValidator()
const compiled = new Map<string, JsonSchemaValidator<unknown>>()

/** Compiles each schema once, because every client lists the same tools. */
const validators: jsonSchemaValidator = {
  getValidator<T>(schema: Parameters<jsonSchemaValidator['getValidator']>[0]) {
    const text = JSON.stringify(schema)
    const validator = compiled.get(text) ?? ajv.getValidator<unknown>(schema)
    compiled.set(text, validator)
    return validator as JsonSchemaValidator<T>
  },
}

/** The official client, which checks every answer against the schema of its tool. */
export class Agent implements AsyncDisposable {
  readonly client: Client

  constructor(era: Era = 'legacy') {
    this.client = new Client(
      { name: 'test', version: '1' },
      { versionNegotiation: { mode: era }, jsonSchemaValidator: validators },
    )
  }

  /** Connects to a lab over HTTP. */
  static async of(
    { base }: HttpLab,
    { era, token, path = '/mcp' }: { era?: Era; token?: string; path?: string } = {},
  ): Promise<Agent> {
    const agent = new Agent(era)
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    await agent.client.connect(new StreamableHTTPClientTransport(new URL(base + path), { requestInit: { headers } }))
    // The client knows the schemas of tools that it has listed.
    await agent.client.listTools()
    return agent
  }

  async call(name: string, input: Record<string, unknown> = {}, options?: CallOptions): Promise<Result> {
    return (await this.client.callTool({ name, arguments: input }, options)) as unknown as Result
  }

  /** Returns the data of a result that is not an error. */
  async data(name: string, input: Record<string, unknown> = {}): Promise<Result['structuredContent']> {
    const { isError, content, structuredContent } = await this.call(name, input)
    if (isError) throw new Error(content.map(({ text }) => text).join('\n'))
    return structuredContent.untrusted ?? structuredContent
  }

  async tools(): Promise<string[]> {
    return (await this.client.listTools()).tools.map(({ name }) => name)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.client.close()
  }
}
