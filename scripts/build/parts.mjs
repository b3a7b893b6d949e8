import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { OUTPUT } from './output.mjs'

/** Parts below this size share a file with the others of their wing. */
const SMALL_OCTETS = 64_000
/** A `require` of a part, as rolldown writes it in an entry point and in a part. Parts require entry points by `../`. */
const REQUIRED = { entry: /require\("\.\/parts\/([^"/]+)\.cjs"\)/g, part: /require\("\.\/([^"/]+)\.cjs"\)/g }

/**
 * Writes the output of rolldown into a folder: the entry points beside each other, and the parts in a folder whose name has
 * the digest of all of them, so that a lab of the build before never loads a part of this one. The small parts of a wing are
 * functions of one file, because many small files load slowly and make a large package. A part still runs when it is
 * required for the first time.
 * @returns the folder of the parts
 */
export function packParts(output, folder) {
  const digest = createHash('sha256')
  for (const { fileName, code } of output) digest.update(`${fileName}\0${code}\0`)
  const name = `parts-${digest.digest('hex').slice(0, 12)}`
  const home = join(folder, name)
  const shared = output.filter(({ isEntry, code }) => !isEntry && Buffer.byteLength(code) < SMALL_OCTETS)
  const wingOfPart = new Map(shared.map((part) => [nameOf(part), wingOf(part)]))
  const linked = (code, pattern, prefix) =>
    code.replaceAll(pattern, (_, part) => {
      const wing = wingOfPart.get(part)
      return wing ? `require("${prefix}${wing}.cjs").part("${part}")` : `require("${prefix}${part}.cjs")`
    })
  mkdirSync(home, { recursive: true })
  for (const part of output) {
    if (part.isEntry) writeFileSync(join(folder, part.fileName), linked(part.code, REQUIRED.entry, `./${name}/`))
    else if (!shared.includes(part))
      writeFileSync(join(home, basename(part.fileName)), linked(part.code, REQUIRED.part, './'))
  }
  for (const wing of new Set(wingOfPart.values())) {
    const parts = shared.filter((part) => wingOfPart.get(nameOf(part)) === wing)
    writeFileSync(join(home, `${wing}.cjs`), linked(fileOf(parts), REQUIRED.part, './'))
  }
  return home
}

const nameOf = ({ fileName }) => basename(fileName, '.cjs')

/** Returns the wing of a part's last module; the modules before it are those that it needs. */
function wingOf({ moduleIds }) {
  const path = relative(resolve(OUTPUT), moduleIds.at(-1) ?? '')
  return /^(?:src\/)?(\w+)\//.exec(path)?.[1] ?? 'packages'
}

const fileOf = (parts) => `"use strict";
const parts = {
${parts.map((part) => `${JSON.stringify(nameOf(part))}(exports) {\n${part.code}\n},\n`).join('')}};
const loaded = {};
exports.part = (name) => {
if (loaded[name]) return loaded[name];
const exports = loaded[name] = {};
try {
parts[name](exports);
} catch (error) {
delete loaded[name];
throw error;
}
return exports;
};
`
