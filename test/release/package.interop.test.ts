import { afterAll, beforeAll, test } from 'vitest'
import { needs } from '../support/programs.ts'
import { EmptyProject } from './installed.ts'

let project: EmptyProject
beforeAll(() => {
  project = new EmptyProject()
})
afterAll(() => project.remove())

test.runIf(needs('curl'))('npx runs the packed tarball: it receives a mail and shows it', async () => {
  await project.expectReceivesMail(['npx', '--yes', project.tarball])
})

test.runIf(needs('curl'))('the tarball in an empty project receives a mail and shows it', async () => {
  project.run('npm', ['install', '--no-audit', '--no-fund', project.tarball])
  await project.expectReceivesMail(['npx', '--no', 'sealpost'])
})
