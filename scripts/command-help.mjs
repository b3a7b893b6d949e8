// Reads the help texts of the commands, for the manual pages and for docs/command-reference.md.

/** Sections of a help text that list no commands. */
const OTHER_SECTIONS = /^(?:Options.*|Shared options|Arguments|Examples)$/

/** Returns the help of a command as the program prints it. */
export async function helpOf(runCommandLine, words) {
  const { write } = process.stdout
  let text = ''
  process.stdout.write = (chunk) => {
    text += chunk
    return true
  }
  try {
    await runCommandLine([...words, '--help'])
  } finally {
    process.stdout.write = write
    process.exitCode = 0
  }
  return text
}

/** Returns the paragraphs of a help text: each has a heading (`` at the beginning) and lines. */
export function sectionsOf(help) {
  const sections = [{ heading: '', lines: [] }]
  for (const line of help.trimEnd().split('\n')) {
    const heading = /^(\S.*):$/.exec(line)?.[1]
    const [, shared] = /^Also \(see sealpost --help\): (.*)/.exec(line) ?? []
    if (shared !== undefined) sections.push({ heading: 'Shared options', lines: [`See sealpost(1): ${shared}`] })
    else if (heading === undefined) sections.at(-1).lines.push(line)
    else sections.push({ heading, lines: [] })
  }
  return sections
}

/** Returns the rows of a list: a term, and the text in the column beside it. A longer term has its text on the next line. */
export function rowsOf(lines) {
  const rows = []
  for (const line of lines) {
    const [, term, text = ''] = /^ {2}(\S(?:.*?\S)?)(?: {2,}(\S.*))?$/.exec(line) ?? []
    if (term !== undefined) rows.push({ term, text })
    else if (line.trim() !== '' && rows.length > 0) {
      const last = rows.at(-1)
      last.text = `${last.text} ${line.trim()}`.trim()
    }
  }
  return rows
}

/** Returns the names of the commands that the sections of a help text list. */
export const commandsOf = (sections) =>
  sections
    .filter(({ heading }) => !OTHER_SECTIONS.test(heading))
    .flatMap(({ lines }) => rowsOf(lines))
    .map(({ term }) => term.split(' ')[0])
    .filter((name) => /^[a-z][\w-]*$/.test(name) && name !== 'help')
