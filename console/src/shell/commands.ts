import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Icon } from '../components/icon.tsx'

/** Something that the command palette offers. */
export interface Command {
  readonly id: string
  readonly title: string
  readonly hint?: string | undefined
  readonly icon?: Icon
  readonly run: () => void
}

/** Returns the commands for a search. A source decides itself what fits; commands are filtered by their titles. */
type CommandSource = (search: string) => readonly Command[] | Promise<readonly Command[]>

export const isPaletteOpen = signal(false)
export const isHelpOpen = signal(false)
const sources = new Set<CommandSource>()
export const commandSources = (): readonly CommandSource[] => [...sources]

/** Offers commands while the component is shown. The source must stay the same between renders. */
export function useCommands(source: CommandSource): void {
  useEffect(() => {
    sources.add(source)
    return () => {
      sources.delete(source)
    }
  }, [source])
}

/** Returns the commands whose titles have every word of a search. */
export function matching(commands: readonly Command[], search: string): readonly Command[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return commands.filter(({ title, hint = '' }) =>
    words.every((word) => `${title} ${hint}`.toLowerCase().includes(word)),
  )
}
