import { describe, expect, it } from 'vitest'
import { needs } from '../support/programs.ts'
import { workplaceOfEach } from '../support/sealpost.ts'
import { blocksOf, walk, walkPrograms } from './walk.ts'

const place = workplaceOfEach()

const LIMIT_MS = 300_000

describe.skipIf(!needs(...walkPrograms, 'curl'))('the commands as they are written', () => {
  it(
    'of docs/mail-authentication.md about logos of senders do what the page says',
    async () => {
      const section = 'Logos of senders: BIMI'
      const { status, stdout, stderr } = await walk(
        place,
        blocksOf('mail-authentication.md', section),
        'true',
        LIMIT_MS,
      )
      expect(status, `${stdout.slice(-4000)}\n${stderr.slice(-4000)}`).toBe(0)
      expect(stdout).toMatch(/BIMI pass https:\/\/logo\.shop\.test:8443\/logo\.svg \(Registered Mark\)/)
      expect(stdout).toMatch(/BIMI-Location: v=BIMI1;\s+a=https:\/\/logo\.shop\.test:8443\/mark\.pem/)
      expect(stdout).toMatch(
        /BIMI fail https:\/\/logo\.shop\.test:8443\/logo\.svg \(the logo is not the one in the mark certificate\)/,
      )
    },
    LIMIT_MS,
  )
})
