import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTransport } from 'nodemailer'
import { expect, it } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { HttpLab } from './client.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
/** The compiler of the checkout leaves it out: its types exist only during the test. */
const PROGRAM = './generated-client/walk.ts'
const http = HttpLab.ofTests({ hostname: 'localhost' })

const folder = newFolder()

function node(args: readonly string[], input?: string): { status: number | null; output: string; errors: string } {
  const options = {
    cwd: repository,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    ...(input === undefined ? {} : { input }),
  } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options)
  return { status, output: stdout, errors: stderr }
}

it('the types that openapi-typescript generates describe the API to the compiler', async () => {
  const document = await (await fetch(`${http.base}/api/openapi.json`)).text()
  const types = node(['scripts/openapi-types.mjs'], document)
  expect([types.status, types.errors]).toEqual([0, ''])
  writeFileSync(join(folder, 'api.d.ts'), types.output)
  const program = fileURLToPath(new URL(PROGRAM, import.meta.url))
  const config = {
    extends: join(repository, 'tsconfig.json'),
    compilerOptions: {
      paths: { 'sealpost-api': [join(folder, 'api.d.ts')] },
      skipLibCheck: false,
      lib: ['es2023', 'dom'],
      types: [],
    },
    include: [program],
    exclude: [],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { status, output } = node(['node_modules/typescript/bin/tsc', '-p', folder])
  expect([status, output]).toEqual([0, ''])
})

it('a client with these types does real work', async () => {
  const program: { walk(base: string, sendBySmtp: () => Promise<void>): Promise<Record<string, unknown>> } =
    await import(PROGRAM)
  const transport = createTransport(http.lab.nodemailer('alice'))
  const mail = { from: 'alice@lab.test', to: 'bob@lab.test', subject: 'Refused' }
  let refusal = ''
  const done = await program.walk(http.base, async () => {
    refusal = await transport.sendMail(mail).then(
      () => 'sent',
      (error: Error) => error.message,
    )
  })
  expect(refusal).toMatch(/550 5\.1\.1 No/)
  await transport.sendMail(mail)
  expect(done.message).toMatchObject({ text: 'Your code is 123456.', codes: ['123456'] })
  expect(done).toMatchObject({ tags: ['checkout'], total: 1, hits: 1 })
  expect(done.raw).toMatch(/^From: [^]*Subject: Your code\r\n/)
  expect(done.certificate).toMatchObject({ friendlyName: 'Mine', thumbprint: done.thumbprint, state: 'valid' })
  expect(done.pem).toMatch(/BEGIN PRIVATE KEY/)
  expect(done.problem).toMatchObject({ status: 404, title: 'Not found' })
})
