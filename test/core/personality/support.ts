import type { LabInput, PersonalityName, Protocol, ServerProtocol } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { LineClient } from '../../support/line-client.ts'

const protocols: readonly Protocol[] = ['smtp', 'pop3', 'imap4', 'nntp']

/** Starts a lab whose virtual servers use the words of one server. Accounts: alice (secret) and bob (geheim). */
export const startAs = (personality: PersonalityName, more: LabInput = {}): Promise<TestLab> =>
  startLab({
    personality,
    hostname: 'mail.lab.test',
    directory: {
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'geheim' },
      ],
    },
    news: { groups: [{ name: 'lab.general', description: 'General talk' }] },
    virtualServers: protocols.map((protocol) => ({ protocol })),
    ...more,
  })

/** Connects to the clear-text port of a protocol. */
export const connect = (lab: TestLab, protocol: ServerProtocol): Promise<LineClient> =>
  LineClient.open(lab.server(protocol).port)

/** Plays a transcript on a new connection. */
export async function session(lab: TestLab, protocol: ServerProtocol, script: string): Promise<LineClient> {
  const client = await connect(lab, protocol)
  await client.play(script)
  return client
}
