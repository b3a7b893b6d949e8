import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { needs } from '../support/programs.ts'
import { workplaceOfEach } from '../support/sealpost.ts'

const place = workplaceOfEach()

/** Returns a shell, and the input by which it prints what it offers for the last word. */
type Complete = (script: string, words: readonly string[]) => { program: string; input: string }

const shells: Readonly<Record<string, Complete>> = {
  bash: (script, words) => ({
    program: 'bash',
    input: `${script}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}) COMP_CWORD=${words.length - 1}; _sealpost; printf '%s\\n' "\${COMPREPLY[@]}"`,
  }),
  // Outside its line editor, zsh has no completion: these functions print what they are given.
  zsh: (script, words) => ({
    program: 'zsh',
    input: `compdef() { }\n_describe() { printf '%s\\n' "\${(@P)2}" }\n_files() { echo FILES }\n${script}\nwords=(${words.map((word) => `'${word}'`).join(' ')}) CURRENT=${words.length}; _sealpost`,
  }),
  fish: (script, words) => ({ program: 'fish', input: `${script}\ncomplete -C '${words.join(' ')}'` }),
}

describe.each(Object.keys(shells))('%s', (name) => {
  const complete = async (...words: readonly string[]): Promise<string> => {
    const { stdout: script } = await place.run(['completion', name])
    const { program, input } = (shells[name] as Complete)(script, ['sealpost', ...words])
    const { status, stdout, stderr } = spawnSync(program, { input, encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    return stdout
  }

  it.skipIf(!needs(name))('completes commands, options and values', async () => {
    const commands = await complete('')
    for (const command of ['start', 'mail', 'cert', 'access-token'])
      expect(commands).toMatch(new RegExp(`^${command}\\b`, 'm'))
    expect(commands).not.toMatch(/^list\b/m)
    const ofMail = await complete('mail', '')
    expect(ofMail).toMatch(/^list\b/m)
    expect(ofMail).not.toMatch(/^start\b/m)
    const options = await complete('mail', 'list', '--')
    expect(options).toMatch(/^--account\b/m)
    expect(options).not.toMatch(/^--headers\b/m)
    // The value of an option is no command.
    expect(await complete('mail', 'list', '--account', 'start', '--')).toMatch(/^--account\b/m)
    expect(await complete('store', 'export', '--format', '')).toMatch(/^mbox\b/m)
    expect(await complete('store', 'export', '--format', '')).not.toMatch(/^--account\b/m)
  })
})

it('refuses another shell', async () => {
  const { status, stderr } = await place.run(['completion', 'csh'])
  expect([status, stderr]).toEqual([
    2,
    expect.stringContaining('<shell>: is "csh"; must be bash, zsh or fish; did you mean zsh?'),
  ])
})
