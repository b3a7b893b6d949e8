import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

const library = new URL('../../dist/src/testing/index.js', import.meta.url).href

/** Runs a module in a process of its own. Returns the lines that it prints. */
function printed(text: string): string[] {
  const args = ['--input-type=module', '--eval', text]
  return execFileSync(process.execPath, args, { encoding: 'utf8' }).split('\n').filter(Boolean)
}

test('to import the library loads no lab', () => {
  const [before, after, running] = printed(`
    const loaded = () => process.moduleLoadList.includes('NativeModule tls')
    console.log(loaded())
    const { startLab } = await import('${library}')
    console.log(loaded())
    const lab = await startLab()
    console.log(loaded())
    await lab.stop()`)
  expect({ before, after, running }).toEqual({ before: 'false', after: 'false', running: 'true' })
})

test('the help of all commands loads none of them', () => {
  const program = new URL('../../dist/src/cli/program.js', import.meta.url).href
  const lines = printed(`
    const { runCommandLine } = await import('${program}')
    await runCommandLine(['--help'])
    console.log(process.moduleLoadList.includes('NativeModule tls'))`)
  expect(lines).toContain('Certificates:')
  expect(lines.at(-1)).toBe('false')
})
