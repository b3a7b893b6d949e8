import { z } from 'zod'
import { notFound } from '../../../src/api/problem.ts'
import { hasBody } from '../body.ts'
import { DeliveredMail } from '../delivered-mail.ts'
import { bodyOf } from '../mailpit/body.ts'
import { assertSends, release } from '../release.ts'
import { pathParameter, type Route } from '../routes.ts'
import { mailOfGuid } from './ids.ts'

const relayInput = z.object({ overriderecipientaddresses: z.array(z.string().trim().min(1)).default([]) })

/** Sends a message by a connector. */
export const relayRoute = (path: string): Route => ({
  method: 'POST',
  path,
  access: 'administer',
  async run(call) {
    assertSends(call)
    const { overriderecipientaddresses: others } = hasBody(call.c)
      ? await bodyOf(call, relayInput)
      : relayInput.parse({})
    const guid = pathParameter(call.c, 'id')
    const mail = mailOfGuid(await DeliveredMail.of(call.api, call.caller), guid)
    if (!mail) throw notFound(`there is no message ${guid}; it was deleted, or it belongs to someone else`)
    const { envelope } = mail.copies[0].entry
    await release(call, mail, { to: others.length > 0 ? others : [...(envelope?.rcptTo ?? [])] })
    return call.c.body(null, 200)
  },
})
