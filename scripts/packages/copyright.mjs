import { readFileSync } from 'node:fs'
import { runtimePackages } from '../runtime-packages.mjs'

/** The packages in the binary with their licences, in the form of Debian. https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/ */
export function copyright({ repository }) {
  const packages = [...runtimePackages(JSON.parse(readFileSync('package-lock.json', 'utf8'))).values()]
  const list = [...new Set(packages.map(({ name, version, license }) => `${name} ${version}: ${license}`))].sort()
  const licence = readFileSync('LICENSE', 'utf8').trim()
  const [, years = ''] = /Copyright \(c\) (.*)/.exec(licence) ?? []
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: sealpost
Source: https://github.com/${repository}
Comment: The executable file contains Node.js (https://github.com/nodejs/node/blob/main/LICENSE) and these packages.
${list.map((line) => ` ${line}\n`).join('')}
Files: *
Copyright: ${years}
License: MIT
${licence
  .split('\n')
  .slice(1)
  .filter((line) => !line.startsWith('Copyright'))
  .join('\n')
  .trim()
  .split('\n')
  .map((line) => ` ${line || '.'}\n`)
  .join('')}`
}
