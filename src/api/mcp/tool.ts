import type { ToolAnnotations } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { operationNamed, parseInput } from '../invoke.ts'
import type { OperationName } from '../operation-types.ts'
import type { McpLab } from './lab.ts'

/** One call of a tool. */
export interface ToolCall<Input = Readonly<Record<string, unknown>>> {
  readonly lab: McpLab
  readonly input: Input
  /** Aborted when the client cancels the call or disconnects. */
  readonly signal: AbortSignal
  /** Reports progress to a client that asked for it. */
  progress(done: number, total: number | undefined, message: string): void
}

/** Something that an agent can ask the lab. */
export interface Tool {
  readonly name: string
  readonly title: string
  readonly description: string
  /** The operation whose rights the tool needs. Its input and output are those of the tool, unless it has its own. */
  readonly operation: OperationName
  readonly input?: z.ZodType
  readonly output?: z.ZodType
  readonly hints: ToolAnnotations
  /** Whether answers have text of senders or clients. */
  readonly isUntrusted?: true
  /** Default: runs the operation, which checks its input. */
  run?(call: ToolCall): Promise<unknown>
}

interface ToolDefinition<Input extends z.ZodObject> extends Omit<Tool, 'run'> {
  readonly input: Input
  run(call: ToolCall<z.output<Input>>): Promise<unknown>
}

/** Creates a tool with an input of its own, which is checked before the tool runs. */
export function defineTool<Input extends z.ZodObject>({ run, ...tool }: ToolDefinition<Input>): Tool {
  return { ...tool, run: (call) => run({ ...call, input: parseInput(tool, call.input, 'json') as z.output<Input> }) }
}

/** Returns the schema of what an operation answers. One without an answer answers that it is done. */
export function outputOf(name: OperationName): z.ZodType {
  const { output } = operationNamed(name)
  if (typeof output === 'string') throw new Error(`${name} does not answer JSON`)
  return output ?? z.object({ done: z.literal(true) })
}

/** Changes nothing. */
export const READS: ToolAnnotations = { readOnlyHint: true, openWorldHint: false }
/** Changes nothing, and answers with text of senders or clients. */
export const READS_UNTRUSTED: ToolAnnotations = { readOnlyHint: true, openWorldHint: true }
/** Adds something. */
export const ADDS: ToolAnnotations = { readOnlyHint: false, destructiveHint: false, openWorldHint: false }
/** Replaces or deletes something. */
export const REPLACES: ToolAnnotations = { readOnlyHint: false, destructiveHint: true, openWorldHint: false }
