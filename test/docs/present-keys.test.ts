import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseDocument } from 'yaml'
import { migrateYaml } from '../../src/core/config/edit/migrate-yaml.ts'
import { labKeys } from '../../src/core/config/schema.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const places = ['config', 'docker', 'docs', 'examples', 'clients', 'README.md']
const files = execFileSync('git', ['ls-files', ...places], { cwd: repository, encoding: 'utf8' })
  .split('\n')
  .filter((name) => /\.(?:ya?ml|md)$/.test(name))

/** Returns the configurations of a file: its text, or the blocks of a page that have a key of a lab. */
function configurationsOf(name: string): string[] {
  const text = readFileSync(`${repository}${name}`, 'utf8')
  const blocks = name.endsWith('.md')
    ? [...text.matchAll(/^( *)```ya?ml[^\n]*\n(.*?)^ *```$/gms)].map(([, indent = '', code = '']) =>
        code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      )
    : [text]
  return blocks.filter((block) => {
    const document = parseDocument(block)
    const content: unknown = document.errors.length === 0 ? document.toJS() : undefined
    const isMapping = typeof content === 'object' && content !== null && !Array.isArray(content)
    // Compose files, workflows and manifests have keys with the same names.
    return isMapping && !['services', 'jobs', 'apiVersion'].some((key) => key in content)
  })
}

test('config migrate finds nothing to do in the files of the package and in its documentation', () => {
  const configurations = files.flatMap((name) => configurationsOf(name).map((text) => ({ name, text })))
  const ofLabs = configurations.filter(({ text }) => Object.keys(labKeys).some((key) => text.includes(`${key}:`)))
  expect(ofLabs.length).toBeGreaterThan(30)
  const changes = configurations.flatMap(({ name, text }) =>
    migrateYaml(text, name).changes.map((line) => `${name}: ${line}`),
  )
  expect(changes).toEqual([])
})
