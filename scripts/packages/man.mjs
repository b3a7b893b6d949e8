import { pathToFileURL } from 'node:url'
import { commandsOf, helpOf, rowsOf, sectionsOf } from '../command-help.mjs'

const roff = (text) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')

const literal = (lines) => ['.nf', ...lines.map(roff), '.fi']

/** Returns one section of a page: lists, and paragraphs between them. */
function body({ heading, lines }) {
  if (heading === 'Examples') return literal(lines.filter((line) => line !== '').map((line) => line.trim()))
  return blocks(lines.join('\n')).flatMap((block) => {
    const rows = block.startsWith('  ') ? rowsOf(block.split('\n')) : []
    return rows.length > 0
      ? rows.flatMap(({ term, text }) => ['.TP', `\\fB${roff(term)}\\fR`, roff(text || ' ')])
      : ['.PP', roff(block.trim().replace(/\s+/g, ' '))]
  })
}

/** Returns the parts of a text that blank lines separate. */
const blocks = (text) => text.split(/\n{2,}/).filter((block) => block.trim() !== '')

/** Returns a heading with what it contains. mandoc(1) warns about a paragraph right after a heading. */
function section(macro, heading, lines) {
  return [`.${macro} ${roff(heading)}`, ...(lines[0] === '.PP' ? lines.slice(1) : lines)]
}

/** Divides a help text in its usage, its description and its other sections. */
function partsOf(help) {
  const [first, ...others] = sectionsOf(help)
  const [usage = '', ...description] = first.lines.join('\n').split(/\n\n/)
  return {
    usage: usage
      .replace(/^Usage: /, '')
      .split('\n')
      .map((line) => line.trim()),
    description: description.join('\n\n'),
    others,
  }
}

const pageName = (words) => ['sealpost', ...words].join('-')

/**
 * Returns the manual pages of section 1: sealpost(1), and one for each command, which contains its subcommands.
 * @param program path of the built src/cli/program.js
 * @returns {Promise<Map<string, string>>} by file name
 */
export async function manualPages(program, { version, epoch }) {
  const { runCommandLine } = await import(pathToFileURL(program).href)
  const title = (name) =>
    `.TH ${name.toUpperCase()} 1 ${new Date(epoch * 1000).toISOString().slice(0, 10)} "Sealpost ${version}" "Sealpost"`
  const pages = new Map()
  async function subcommands(words, others) {
    const lines = []
    for (const name of commandsOf(others)) {
      const path = [...words, name]
      const { usage, description, others: more } = partsOf(await helpOf(runCommandLine, path))
      lines.push(...section('SH', path.join(' ').toUpperCase(), literal(usage)), ...body({ lines: [description] }))
      const shown = more.filter(({ heading }) => heading !== 'Commands')
      for (const part of shown) lines.push(...section('SS', part.heading, body(part)))
      lines.push(...(await subcommands(path, more)))
    }
    return lines
  }

  const front = partsOf(await helpOf(runCommandLine, []))
  const names = commandsOf(front.others)
  const page = async (words) => {
    const { usage, description, others } = words.length === 0 ? front : partsOf(await helpOf(runCommandLine, words))
    const name = pageName(words)
    const [purpose = ''] = description.replace(/\n */g, ' ').split(/(?<=\.)\s|\n\n/)
    const own = others.flatMap((part) => section('SH', part.heading.toUpperCase(), body(part)))
    const text = [
      title(name),
      '.SH NAME',
      `${name} \\- ${roff(purpose.replace(/\.$/, ''))}`,
      '.SH SYNOPSIS',
      ...literal(usage),
      ...section('SH', 'DESCRIPTION', body({ lines: [description] })),
      ...own,
      ...(words.length === 0 ? [] : await subcommands(words, others)),
      '.SH SEE ALSO',
      words.length === 0
        ? names.map((each) => `\\fB${roff(pageName([each]))}\\fR(1)`).join(',\n')
        : '\\fBsealpost\\fR(1)',
    ]
    pages.set(`${name}.1`, `${text.join('\n')}\n`)
  }
  await page([])
  for (const name of names) await page([name])
  return pages
}
