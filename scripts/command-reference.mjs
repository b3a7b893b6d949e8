// Writes docs/command-reference.md from the help of each command.
//   npm run commands:reference
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { commandsOf, helpOf, sectionsOf } from './command-help.mjs'

const BEGIN = `# Command reference

The help of every command, as \`sealpost COMMAND --help\` prints it. [Commands](commands.md) lists them by purpose. This page is generated: \`npm run commands:reference\`.
`

/** Returns the page. @param runCommandLine that of src/cli/program.ts */
export async function commandReference(runCommandLine) {
  const parts = [BEGIN]
  const add = async (words) => {
    const help = await helpOf(runCommandLine, words)
    const heading = ['sealpost', ...words].join(' ')
    parts.push(`${words.length > 1 ? '###' : '##'} ${heading}\n\n\`\`\`text\n${help.trimEnd()}\n\`\`\`\n`)
    const [, ...sections] = sectionsOf(help)
    for (const name of commandsOf(sections)) await add([...words, name])
  }
  await add([])
  return parts.join('\n')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { runCommandLine } = await import('../dist/src/cli/program.js')
  const page = await commandReference(runCommandLine)
  writeFileSync(new URL('../docs/command-reference.md', import.meta.url), page)
}
