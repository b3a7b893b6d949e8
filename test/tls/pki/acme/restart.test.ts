import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { freePort } from '../../../support/free-ports.ts'
import { acmeAccount, openAcme, orderByHttp, serveAnswers } from './support.ts'

it('a validation that a restart interrupted starts again when the client asks for it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sealpost-acme-'))
  const options = { httpPort: await freePort(), addresses: [], caaIdentities: ['authority.test'], externalAccounts: {} }
  const port = await freePort()
  const day = 86_400_000
  const strictness = { rejectNonces: 0, reuseAuthorizations: 1, orderLifetimeMs: [day, day], seed: 1 } as const
  // The first process never gets to the validation.
  const first = await openAcme(folder, { ...options, strictness: { ...strictness, validationDelayMs: day } }, port)
  const client = await acmeAccount(first.directory)
  const { order, challenge, answer } = await orderByHttp(client, 'mail.lab.test')
  await using served = await serveAnswers(options.httpPort)
  served.answers.set(challenge.token, answer)
  expect((await client.completeChallenge(challenge)).status).toBe('processing')
  await first[Symbol.asyncDispose]()
  {
    await using _second = await openAcme(folder, options, port)
    await client.waitForValidStatus(challenge)
    expect((await client.getOrder(order)).status).toBe('ready')
  }
  await rm(folder, { recursive: true })
})
