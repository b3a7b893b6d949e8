import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import acme from 'acme-client'
import type { Attack } from './types.ts'

/** Private addresses. A lab must connect to none of them. */
const ADDRESSES = ['10.255.255.1', '172.31.255.1', '192.168.255.1', '169.254.169.254', 'fd00::1']

/** Attacks on what belongs to the lab as a whole: its control socket, and the authorities' service. */
export const labAttacks: readonly Attack[] = [
  {
    name: 'control socket: lines that never end on 100 connections',
    prepare: async (attacker) => async () => {
      const [folder = ''] = readdirSync(attacker.prey.folder).filter((name) => name.startsWith('sealpost-'))
      const [name = ''] = readdirSync(join(attacker.prey.folder, folder))
      const octets = Buffer.alloc(256 * 1024, 'x')
      const sockets = Array.from({ length: 100 }, () =>
        connect(join(attacker.prey.folder, folder, name)).on('error', () => {}),
      )
      for (const socket of sockets) socket.resume()
      await attacker.repeat(() => {
        for (const socket of sockets) if (socket.writableLength < octets.length) socket.write(octets)
      })
      for (const socket of sockets) socket.destroy()
    },
  },
  {
    name: 'ACME: http-01 to private addresses',
    async prepare(attacker) {
      const accountKey = await acme.crypto.createPrivateEcdsaKey('P-256')
      const directoryUrl = `http://127.0.0.1:${attacker.port('acme')}${attacker.prey.acmePath}/directory`
      const client = new acme.Client({ directoryUrl, accountKey })
      await client.createAccount()
      return () =>
        attacker.repeat(async () => {
          const identifiers = ADDRESSES.map((value) => ({ type: 'ip', value }))
          const order = await client.createOrder({ identifiers })
          for (const { challenges } of await client.getAuthorizations(order)) {
            for (const challenge of challenges) await client.completeChallenge(challenge)
          }
        })
    },
  },
]
