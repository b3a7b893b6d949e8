import { spawnSync } from 'node:child_process'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { HttpLab } from '../servers/http/client.ts'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'
import { Workplace } from '../support/sealpost.ts'
import { blocksOf } from './walk.ts'

let place: Workplace
const http = HttpLab.ofTests()
beforeAll(async () => {
  place = new Workplace()
})
beforeEach(() => http.request('reset', { json: {} }))

/** Go is not among the packages of CI. */
const hasGo = spawnSync('go', ['version']).status === 0
if (!hasGo) console.warn('skipped, not installed: go')

/** How the blocks of each language run: their file, the program, and whether it is here. */
const languages = {
  js: { file: 'read-code.mjs', command: [process.execPath], isHere: true },
  python: { file: 'read_code.py', command: ['python3'], isHere: needs('python3') },
  java: { file: 'ReadCode.java', command: ['java'], isHere: needs('java') },
  go: { file: 'read_code.go', command: ['go', 'run'], isHere: hasGo },
} as const

/** Returns what the page says, for this lab. */
const here = (code: string): string => code.replaceAll('http://localhost:8025', http.base)

/** No proxy, and nothing downloaded. */
const env = { http_proxy: '', HTTP_PROXY: '', all_proxy: '', ALL_PROXY: '', GOTOOLCHAIN: 'local', GOPROXY: 'off' }

const blocks = blocksOf('api-languages.md').filter(({ language }) => Object.hasOwn(languages, language))

/** Compiles the standard library of Go, which takes long the first time. Go keeps it. */
async function warmUpGo(): Promise<void> {
  const go = blocks.find(({ language }) => language === 'go')
  const file = place.write('warm_up.go', go?.code ?? '')
  const options = { cwd: place.folder, env, timeoutMs: 280_000 }
  const { status, stderr } = await runProgram('go', ['build', '-o', 'warm-up', file], options)
  expect(status, stderr).toBe(0)
}
beforeAll(async () => {
  if (hasGo) await warmUpGo()
}, 300_000)

it('the page has every language once', () => {
  expect(blocks.map(({ language }) => language).sort()).toEqual(Object.keys(languages).sort())
})

describe.each(blocks)('$language', ({ language, code }) => {
  const { file, command, isHere } = languages[language as keyof typeof languages]

  it.skipIf(!isHere)('sends, waits and reads the code', async () => {
    const [program = '', ...args] = [...command, place.write(file, here(code))]
    const { status, stdout, stderr } = await runProgram(program, args, { cwd: place.folder, env })
    expect([status, stdout], stderr).toEqual([0, '123456\n'])
  })

  it.skipIf(!isHere)('fails if nothing arrives', async () => {
    const never = here(code)
      .replace(/subject(\\?["']?): (\\?["'])code/, 'subject$1: $2never')
      .replace('10s', '1ms')
    expect(never).toContain('never')
    const [program = '', ...args] = [...command, place.write(file, never)]
    const { status, stderr } = await runProgram(program, args, { cwd: place.folder, env })
    expect(status).not.toBe(0)
    expect(stderr).toMatch(/404|no message with/)
  })
})

it.skipIf(!needs('curl'))(
  'curl: sends, waits and reads the code',
  async () => {
    const [walk] = blocksOf('api.md', 'Send, wait, read')
    const commands = walk?.code.trim().split('\n') ?? []
    expect(commands).toHaveLength(3)
    let id = ''
    for (const command of commands) {
      const script = command.replaceAll('localhost:8025', http.base).replace('/ID', `/${id}`)
      const { status, stdout } = await runProgram('sh', ['-c', `${script} `.replace('curl', 'curl -sSf')], { env })
      expect(status, command).toBe(0)
      const answer = JSON.parse(stdout)
      id = answer.id ?? id
      if (command === commands.at(-1)) expect(answer.codes).toEqual(['123456'])
    }
  },
  120_000,
)
