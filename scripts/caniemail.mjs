// Writes src/mail/checks/caniemail-data.ts: which mail programs support which HTML and CSS, as caniemail.com has tested.
//   node scripts/caniemail.mjs FILE   FILE: https://www.caniemail.com/api/data.json
import { readFileSync, writeFileSync } from 'node:fs'

const { data, nicenames, last_update_date: updated } = JSON.parse(readFileSync(process.argv[2], 'utf8'))

/** By category, the kinds of features, and the pattern of their titles. Its first group is the name. */
const titles = {
  html: { element: /^<(\w+)> element$/, attribute: /^([\w-]+) attribute$/ },
  css: { property: /^([a-z-]+)(?: propert(?:y|ies))?$/, rule: /^(@[a-z-]+)$/ },
  image: { image: /^(\w+) image format$/ },
}

const numbers = new Map()
function numberOf(family, platform) {
  const [tool, place] = [nicenames.family[family], nicenames.platform[platform]]
  const name = place.startsWith(tool) ? place : `${tool} (${place})`
  if (!numbers.has(name)) numbers.set(name, { number: numbers.size, family, platform })
  return numbers.get(name).number
}

const rows = data.flatMap(({ title, category, slug, stats }) => {
  for (const [kind, pattern] of Object.entries(titles[category] ?? {})) {
    const name = pattern.exec(title)?.[1].toLowerCase()
    if (name === undefined) continue
    const found = []
    for (const [family, platforms] of Object.entries(stats))
      for (const [platform, versions] of Object.entries(platforms)) {
        // The latest version.
        const letter = Object.values(versions).at(-1)?.[0]
        if (/[yna]/.test(letter)) found[numberOf(family, platform)] = letter
      }
    if (!found.some((letter) => letter !== 'y')) return []
    return [`${kind} ${name} ${slug} ${Array.from(found, (letter) => letter ?? '-').join('')}`]
  }
  return []
})

writeFileSync(
  new URL('../src/mail/checks/caniemail-data.ts', import.meta.url),
  `// Written by scripts/caniemail.mjs from the data of https://www.caniemail.com (MIT licence) of ${updated.slice(0, 10)}.

/** The mail programs in the order of \`support\`: family and platform on caniemail.com, and the name. */
export const clients = \`
${[...numbers].map(([name, { family, platform }]) => `${family} ${platform} ${name}`).join('\n')}
\`

/**
 * A line for each feature that not all programs support: kind, name, page on caniemail.com, and a letter for each program:
 * y supports it, a supports a part of it, n does not, - was not tested.
 */
export const support = \`
${rows.join('\n')}
\`
`,
)
