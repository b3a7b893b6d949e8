import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../support/run-program.ts'
import { mainFile, Workplace } from '../support/sealpost.ts'
import { isThorough } from '../support/thorough.ts'

const library = new URL('../testing/index.js', pathToFileURL(mainFile)).href
const place = new Workplace()

const start = `import { startLab } from ${JSON.stringify(library)}\nimport { connect } from 'node:net'\nimport { once } from 'node:events'`

/** Runs a script with this version of Node.js, without the variables of this runner. */
function runScript(name: string, script: string, args: readonly string[] = []) {
  const file = place.write(name, script)
  const env = { NODE_OPTIONS: '', VITEST: '', FORCE_COLOR: '0' }
  return runProgram(process.execPath, [...args, file], { cwd: place.folder, env })
}

test('a process ends with a warning if it forgets to stop a lab', async () => {
  const { status, stdout, stderr } = await runScript(
    'forgotten.mjs',
    `${start}
const lab = await startLab({ authorityService: { port: 0 } })
const [smtp, imap] = await Promise.all(['smtp', 'imap4'].map(async (name) => {
  const client = connect(lab.server(name).port, '127.0.0.1')
  await once(client, 'data')
  return client.unref()
}))
console.log('done')
`,
  )
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'done\n' })
  expect(stderr).toMatch(
    /\[SEALPOST_LAB_OPEN\] SealpostWarning: The lab started at file:.*forgotten\.mjs:4:19 was not stopped\./,
  )
})

test.runIf(isThorough)('a process that stops its lab ends without a warning', async () => {
  const script = `${start}
const lab = await startLab()
const client = connect(lab.server('smtp').port, '127.0.0.1')
await once(client, 'data')
client.unref()
await lab.stop()
console.log('stopped')
`
  expect(await runScript('stopped.mjs', script)).toEqual({ status: 0, stdout: 'stopped\n', stderr: '' })
})

test.runIf(isThorough)('a process goes on while it waits for an event, or after lab.ref()', async () => {
  const script = `${start}
import { spawn } from 'node:child_process'
const lab = await startLab()
lab.ref().unref().ref()
const code = "setTimeout(() => require('net').connect(" + lab.server('smtp').port + ", '127.0.0.1').on('data', () => process.exit()), 50)"
spawn(process.execPath, ['-e', code], { stdio: 'ignore' }).unref()
lab.on('session', async () => {
  lab.unref()
  const next = lab.on('message').next()
  spawn(process.execPath, ['-e', ''], { stdio: 'ignore' }).on('exit', () => lab.deliver({ subject: 'late' }, 'bob')).unref()
  console.log((await next).value.subject)
  await lab.stop()
})
`
  expect(await runScript('waits.mjs', script)).toEqual({ status: 0, stdout: 'late\n', stderr: '' })
})

test('node:test ends with a warning if a test forgets to stop a lab', async () => {
  const script = `${start}
import { test } from 'node:test'
test('forgets', async () => void (await startLab()))
`
  const { status, stdout, stderr } = await runScript('forgets.mjs', script, ['--test', '--test-reporter=spec'])
  expect(status, stdout + stderr).toBe(0)
  expect(stdout + stderr).toMatch(/The lab started at file:.*forgets\.mjs:5:\d+ was not stopped/)
})
