import { afterAll, beforeAll, describe } from 'vitest'
import { Cluster } from '../../support/cluster.ts'
import { needsPostgres } from '../../support/postgres.ts'
import { mailOnNodes } from './mail.ts'
import { newsOnNodes } from './news.ts'

describe.skipIf(!needsPostgres())('two nodes', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  describe('serve the same mail', () => mailOnNodes(() => cluster))
  describe('serve the same news', () => newsOnNodes(() => cluster))
})
