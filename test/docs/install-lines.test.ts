import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { installLines } from '../release/install-lines.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const { PAGES, publishedAt, releaseLines, render } = await installLines()
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
const read = (page: string): string => readFileSync(join(repository, page), 'utf8')

/** Returns the lines of the code blocks of a text, without remarks. */
const commands = (text: string): string[] =>
  Array.from(text.matchAll(/```sh\n([^]*?)```/g), ([, lines = '']) => lines.split('\n'))
    .flat()
    .filter((line) => line !== '' && !line.startsWith('#'))

const installSection = (text: string): string => /\n## Install\n([^]*?)\n## /.exec(text)?.[1] ?? ''

describe('install lines', () => {
  test.each(PAGES)('%s shows those of the present state', (page) => {
    expect(render(read(page), { version, published: publishedAt })).toBe(read(page))
  })

  test('before the first release, README shows only what works today', () => {
    const text = render(read('README.md'), { version: '1.2.3' })
    expect(text).not.toContain('OWNER')
    expect(commands(installSection(text))).toEqual([
      'npm ci && npm start',
      expect.stringMatching(/^npm pack && .*sealpost-1\.2\.3\.tgz$/),
      expect.stringMatching(/^docker build .* && docker run .* sealpost$/),
    ])
  })

  test('after it, pages name the repository and say nowhere that nothing is published', () => {
    for (const page of PAGES) {
      const text = render(read(page), { version: '1.2.3', published: 'someone/mail-lab' })
      expect([page, text]).toEqual([page, expect.not.stringMatching(/OWNER|published yet|after the first release/i)])
    }
    const text = render(read('README.md'), { version: '1.2.3', published: 'someone/mail-lab' })
    expect(commands(installSection(text))).toEqual(Object.values(releaseLines('someone/mail-lab')))
    expect(text).toContain('**Status**: 1.2.3')
  })

  test('a block that does not exist is an error', () => {
    const page = '<!-- install-lines: other -->\n<!-- end -->\n'
    expect(() => render(page, { version })).toThrow('there is no block "other"')
  })
})
