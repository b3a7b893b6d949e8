import { describe, test } from 'vitest'
import type { personalityNames } from '../../../src/core/config/schema.ts'
import { session, startAs } from './support.ts'

const directory = {
  accounts: [
    {
      user: 'alice',
      password: 'secret',
      mailboxReferrals: { 'Shared/Reports': 'imap://alice;AUTH=*@two.lab.test/Reports' },
    },
    { user: 'bob', password: 'geheim', referral: 'imap://bob;AUTH=*@two.lab.test/' },
  ],
}

describe.each(['sealpost', 'exchange2003'] as const satisfies readonly (typeof personalityNames)[number][])(
  '%s',
  (personality) => {
    test('refers accounts to other servers (RFC 2221) and clients to mailboxes on them (RFC 2193)', async () => {
      await using lab = await startAs(personality, { directory, virtualServers: [{ protocol: 'imap4' }] })
      await session(
        lab,
        'imap4',
        `S: * OK *
      C: a CAPABILITY
      S: * CAPABILITY * LOGIN-REFERRALS MAILBOX-REFERRALS*
      S: a OK *
      C: b LOGIN bob wrong
      S: b NO *Logon failure: *
      C: c LOGIN bob geheim
      S: c NO [REFERRAL imap://bob;AUTH=*@two.lab.test/] The account is on another server. Try two.lab.test.
      C: d LOGIN alice secret
      S: d OK *
      C: e SELECT Shared/Reports
      S: e NO [REFERRAL imap://alice;AUTH=*@two.lab.test/Reports] The mailbox is on another server. Try two.lab.test.
      C: f STATUS Shared/Reports (MESSAGES)
      S: f NO [REFERRAL *] *
      C: g APPEND Shared/Reports {3}
      S: g NO [REFERRAL *] *
      C: h LIST "" Shared/*
      S: h OK *
      C: i RLIST "" ""
      S: * LIST (\\Noselect) "/" ""
      S: i OK *
      C: i RLIST "" Shared/*
      S: * LIST (\\HasNoChildren \\Remote) "/" Shared/Reports
      S: i OK *
      C: j SUBSCRIBE Shared/Reports
      S: j NO *The mailbox does not exist.
      C: k RLSUB "" INBOX
      S: * LSUB (*) "/" INBOX
      S: k OK *`,
      )
    })
  },
)
