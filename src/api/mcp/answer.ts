import type { CallToolResult } from '@modelcontextprotocol/server'
import { ApiProblem } from '../problem.ts'
import { LabRefusal, type McpLab, type ProblemDocument } from './lab.ts'
import type { Tool, ToolCall } from './tool.ts'
import { fenceUntrusted, NOTICE, visibleJson } from './untrusted.ts'

/** Longest text in an answer, in characters. */
const MAX_TEXT = 20_000
/** An answer has its content as text and as data, and the client's connection holds both once more. */
const COPIES = 4

/** Marks blocks and answers with text of senders or clients. */
const UNTRUSTED = { 'sealpost/untrusted': true }

/** Runs a tool. Failures are answers too: agents read them and try something else. */
export async function callTool(tool: Tool, call: ToolCall): Promise<CallToolResult> {
  try {
    const { lab, input, signal } = call
    const found = await (tool.run ? tool.run(call) : lab.call(tool.operation, input, signal))
    return resultOf(cutLongTexts(found ?? { done: true }) as Record<string, unknown>, tool, lab)
  } catch (error) {
    return refusalOf(error, call.lab)
  }
}

function resultOf(value: Record<string, unknown>, { isUntrusted }: Tool, lab: McpLab): CallToolResult {
  if (!isUntrusted) {
    const text = visibleJson(value)
    lab.hold?.(COPIES * text.length)
    return { content: [{ type: 'text', text }], structuredContent: value }
  }
  const content = untrustedContent(value)
  lab.hold?.(COPIES * content[1].text.length)
  return { content: [...content], structuredContent: { notice: NOTICE, untrusted: value }, _meta: UNTRUSTED }
}

/** Returns the notice and the data as two blocks. */
function untrustedContent(value: unknown) {
  const [notice, data] = fenceUntrusted(value)
  return [
    { type: 'text', text: notice },
    { type: 'text', text: data, _meta: UNTRUSTED },
  ] as const
}

/** Returns why the lab refused a call. What is not in every problem document can have text of senders and clients. */
function refusalOf(error: unknown, lab: McpLab): CallToolResult {
  // The report repeats the rest in one text.
  const { title, detail, errors, hints, type: _type, status: _status, report: _report, ...more } = documentOf(error)
  const text = [`${title}: ${detail}`, ...(Array.isArray(hints) ? hints : [])].join('\n')
  const value = cutLongTexts(more)
  const content = Object.keys(more).length === 0 ? [] : untrustedContent(value)
  if (content.length > 0) lab.hold?.(COPIES * (content[1]?.text.length ?? 0))
  return { isError: true, content: [{ type: 'text', text }, ...content] }
}

function documentOf(error: unknown): ProblemDocument {
  if (error instanceof LabRefusal) return error.document
  if (error instanceof ApiProblem) return error.document as unknown as ProblemDocument
  return { type: 'about:blank', status: 0, title: 'Not done', detail: (error as Error).message }
}

/** Cuts long texts, which models cannot read anyway. The resource of a message has all of it. */
function cutLongTexts(value: unknown): unknown {
  if (typeof value === 'string') {
    if (value.length <= MAX_TEXT) return value
    return `${value.slice(0, MAX_TEXT)}… (${value.length - MAX_TEXT} more characters)`
  }
  if (Buffer.isBuffer(value)) {
    // The heap may have no room for the text of all octets.
    if (value.length <= MAX_TEXT) return `${value}`
    return `${value.toString('utf8', 0, MAX_TEXT)}… (${value.length - MAX_TEXT} more bytes)`
  }
  if (Array.isArray(value)) return value.map(cutLongTexts)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, cutLongTexts(one)]))
}
