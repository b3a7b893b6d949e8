import { spawnSync } from 'node:child_process'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse, parseDocument } from 'yaml'
import { ifInstalled } from '../support/more-programs.ts'
import { runProgram } from '../support/run-program.ts'
import { readRecipe } from './page.ts'
import type { Recipe } from './recipe.ts'
import { useRecipes } from './use-recipes.ts'

const recipes = useRecipes({ tokens: [{ name: 'ci', token: 'only-for-this-job-1' }] })

/** The job's test: a mail with a code, and its way to the lab. */
const TEST = `
import assert from 'node:assert/strict'
import { test } from 'node:test'
import nodemailer from 'nodemailer'
import { waitForMail } from './lab.mjs'

test('mails the code over TLS', async () => {
  const { SMTP_HOST: host, SMTP_PORT: port } = process.env
  const transport = nodemailer.createTransport({ host, port: Number(port), requireTLS: true })
  await transport.sendMail({ from: 'shop@lab.test', to: 'alice@lab.test', subject: 'Your code', text: 'Your code is 123456.' })
  const mail = await waitForMail({ to: 'alice', subject: 'code' })
  assert.deepEqual(mail.codes, ['123456'])
  assert.equal(mail.delivery.tls.version, 'TLSv1.3')
})
`

/** Writes a project that the jobs test. */
function writeProject(recipe: Recipe): void {
  recipe.writeFiles()
  const { files } = readRecipe('github-actions')
  recipe.write('test/lab.mjs', files.find(({ path }) => path === 'test/lab.mjs')?.text ?? '')
  recipe.write('test/mail.test.mjs', TEST)
  recipe.write('package.json', '{ "type": "module", "scripts": { "test": "node --test test/*.test.mjs" } }')
}

interface Step {
  readonly run?: string
  readonly if?: string
}
interface Workflow {
  readonly jobs: { readonly test: { readonly env: Readonly<Record<string, string>>; readonly steps: readonly Step[] } }
}

describe('GitHub Actions', () => {
  let recipe: Recipe
  let workflow: string
  beforeAll(async () => {
    recipe = await recipes.open('github-actions', { packages: ['nodemailer', '@actions/workflow-parser'] })
    writeProject(recipe)
    workflow = recipe.read('.github/workflows/test.yml')
  })

  /** Returns the mistakes that GitHub's parser finds in a workflow. */
  async function mistakes(content: string): Promise<string[]> {
    recipe.write('workflow.json', JSON.stringify({ name: 'test.yml', content }))
    const { status, stdout, stderr } = await recipe.sh('node checker.mjs')
    expect(status, stderr).toBe(0)
    return JSON.parse(stdout)
  }

  it('has a workflow that GitHub’s parser accepts', async () => {
    recipe.write(
      'check.mjs',
      `import { readFileSync } from 'node:fs'
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser'
const { context, value } = parseWorkflow(JSON.parse(readFileSync('workflow.json', 'utf8')), { error() {}, info() {}, verbose() {} })
const { errors = [] } = value ? await convertWorkflowTemplate(context, value) : {}
console.log(JSON.stringify([...context.errors.getErrors(), ...errors].map(({ message, Message }) => message ?? Message)))`,
    )
    // The parser imports JSON in a form that no version of Node.js still reads.
    const { build } = await import('rolldown')
    await build({
      input: `${recipe.folder}/check.mjs`,
      platform: 'node',
      output: { file: `${recipe.folder}/checker.mjs` },
    })
    expect(await mistakes(workflow)).toEqual([])
    expect(await mistakes(workflow.replace('options:', 'option:'))).toContainEqual(expect.stringContaining('option'))
  })

  it('has steps that trust the lab and pass the tests', async () => {
    const { env, steps } = (parse(workflow) as Workflow).jobs.test
    const place = Object.entries(env).map(
      ([name, value]) => `export ${name}='${`${value}`.replace(/\$\{\{ github\.workspace \}\}/, recipe.folder)}'\n`,
    )
    const commands = steps.flatMap(({ run = '' }) => (run === '' || run === 'npm ci' ? [] : [`(${run})\n`]))
    expect(commands).toHaveLength(3)
    const { status, stdout, stderr } = await recipe.sh(place.join('') + commands.join(''))
    expect([status, stdout], stderr).toEqual([0, expect.stringMatching(/# pass 1[^]*"protocol":"smtp"/)])
  })
})

describe.skipIf(!ifInstalled('git', 'jq', 'rsync'))('GitLab CI', () => {
  let recipe: Recipe
  beforeAll(async () => {
    recipe = await recipes.open('gitlab', { packages: ['nodemailer', 'gitlab-ci-local'] })
    writeProject(recipe)
    recipe.edit('.gitlab-ci.yml', 'http://sealpost:', 'http://localhost:')
    recipe.edit('.gitlab-ci.yml', 'SMTP_HOST: sealpost', 'SMTP_HOST: localhost')
    recipe.edit('.gitlab-ci.yml', "SMTP_PORT: '25'", `SMTP_PORT: '${recipes.lab.server('smtp').port}'`)
    recipe.edit('.gitlab-ci.yml', 'npm ci', 'echo installed')
    spawnSync('git', ['init', '-q', '-b', 'main'], { cwd: recipe.folder })
  })

  /** Runs gitlab-ci-local, which needs a newer Node.js. */
  const gitlab = (...args: string[]) => {
    const program = ['node', 'node_modules/gitlab-ci-local/dist/index.js', ...args]
    const options = { cwd: recipe.folder, env: { NO_COLOR: '1', NODE_OPTIONS: '' } }
    return runProgram('npx', ['--yes', '--package', 'node@26', '--', ...program], options)
  }

  /** Runs the job without containers: this machine is the image, and the lab of the test the service. */
  function runJob() {
    const pipeline = parseDocument(recipe.read('.gitlab-ci.yml'))
    for (const key of ['image', 'services']) expect(pipeline.deleteIn(['test', key])).toBe(true)
    recipe.write('here.yml', pipeline.toString())
    return gitlab('--file', 'here.yml', 'test')
  }

  it('fits GitLab’s schema', async () => {
    const { status, stdout, stderr } = await gitlab('--preview')
    expect([status, stdout], stderr).toEqual([0, expect.stringContaining('alias: sealpost')])
    recipe.write('wrong.yml', recipe.read('.gitlab-ci.yml').replace('- name:', '- nam:'))
    expect(await gitlab('--preview', '--file', 'wrong.yml')).toMatchObject({ status: 1 })
  })

  it('has a job that trusts the lab and passes the tests', async () => {
    const { status, stdout, stderr } = await runJob()
    expect([status, stdout], stdout + stderr).toEqual([0, expect.stringMatching(/pass 1/)])
  })

  it('has a job that fails if the tests fail, and shows the sessions', async () => {
    recipe.edit('test/mail.test.mjs', "subject: 'Your code'", "subject: 'Welcome'")
    const { status, stdout, stderr } = await runJob()
    expect([status === 0, stdout], stderr).toEqual([
      false,
      expect.stringMatching(/no message with[^]*"protocol":"smtp"/),
    ])
  })

  it('reads a code with a shell script', async () => {
    const { LAB, LAB_TOKEN } = (parse(recipe.read('.gitlab-ci.yml')) as { test: { variables: Record<string, string> } })
      .test.variables
    await recipes.lab.deliver({ subject: 'Code', text: 'Your code is 654321.' }, 'bob')
    const { status, stdout, stderr } = await recipe.sh(
      `export LAB=${LAB} LAB_TOKEN=${LAB_TOKEN}\nsh wait-for-code.sh bob`,
    )
    expect([status, stdout], stderr).toEqual([0, '654321\n'])
  })
})
