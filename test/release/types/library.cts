// Types of a CommonJS module.
import { type LabMessage, startLab } from 'sealpost'

import nodeTest = require('sealpost/node-test')

const mail = nodeTest.useLab({ domain: 'shop.test' })

export async function check(): Promise<LabMessage> {
  nodeTest.assertEncrypted(await mail.lab.waitForMessage('bob'))
  await using lab = await startLab()
  return lab.waitForMessage('bob')
}
