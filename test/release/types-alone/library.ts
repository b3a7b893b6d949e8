// The entry points that need no other package, with the types of all that they show.
import { ConfigError, type LabInput, type LabMessage, startLab, type TestLab, WaitTimeout } from 'sealpost'
import { useLab } from 'sealpost/mocha'
import { type SuiteLab, useLab as useLabOfNode } from 'sealpost/node-test'

const suite = useLab()
const config: LabInput = { virtualServers: [{ protocol: 'smtp', requireSecureChannel: true }] }

export async function check(): Promise<string | undefined> {
  const lab: TestLab = await startLab(config)
  const mail: LabMessage = await lab.waitForMessage({ to: 'bob', subject: /hello/ })
  await suite.tenant.waitForMessage({ to: 'bob' })
  // @ts-expect-error a mistyped key
  await lab.waitForMessage({ subjct: 'x' })
  return mail.links[0]?.text
}

export const isKnown = (error: unknown): boolean => error instanceof ConfigError || error instanceof WaitTimeout
export const other: SuiteLab = useLabOfNode({ hostname: 'mail.test' })
