import { nearestWord } from '../../core/config/nearest.ts'
import type { LikeTool } from '../../core/config/schema/like.ts'
import { UsageError } from '../shared/failure.ts'
import type { Tool } from './tool.ts'

/** The tools whose place `--like` takes. Each is loaded on demand. */
const tools: Readonly<Record<LikeTool, () => Promise<Tool>>> = {
  mailpit: async () => (await import('./mailpit.ts')).mailpit,
  mailhog: async () => (await import('./mailhog.ts')).mailhog,
  maildev: async () => (await import('./maildev.ts')).maildev,
  smtp4dev: async () => (await import('./smtp4dev.ts')).smtp4dev,
  greenmail: async () => (await import('./greenmail.ts')).greenmail,
}

export const toolNames = Object.keys(tools)

/** Loads a tool by its name. @throws UsageError */
export async function loadTool(name: string): Promise<Tool> {
  const load = Object.hasOwn(tools, name) ? tools[name as LikeTool] : undefined
  if (load) return load()
  const near = nearestWord(name, toolNames)
  throw new UsageError(
    `--like: ${name} is unknown; ${near ? `did you mean ${near}?` : `write one of: ${toolNames.join(', ')}`}`,
  )
}
