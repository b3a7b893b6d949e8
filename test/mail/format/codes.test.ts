import { describe, expect, test } from 'vitest'
import { codeCandidates } from '../../../src/mail/format/codes.ts'
import { readable } from '../../../src/mail/format/readable.ts'
import { corpus } from '../../support/corpus.ts'
import { isLong } from '../../support/long.ts'

const codes = (text: string): string[] => codeCandidates(text).map(({ code }) => code)

describe('one-time codes in a text', () => {
  test.each<[string, string[]]>([
    ['Your code is 123456.', ['123456']],
    ['123 456 is your verification code', ['123456']],
    ['G-482913 is your Google verification code.', ['482913']],
    ['FB-48291 is your Facebook code', ['48291']],
    ['Your one-time password: 7F3K-9QZP', ['7F3K-9QZP']],
    ['Your code: ABC-123', ['ABC-123']],
    ['Enter the code WDJB-MJHT on your TV', ['WDJB-MJHT']],
    ['Your code: k3v9q2', ['k3v9q2']],
    ['PIN: 0042', ['0042']],
    ['Your code is hk3j-92ls', ['hk3j-92ls']],
    ['PIN hk3j-92ls', ['hk3j-92ls']],
    ['Your login code\n\nhk3j-92ls\n', ['hk3j-92ls']],
    ['hk3j-92ls-7xa2 is your code', ['hk3j-92ls-7xa2']],
    ['Din kode: hk3-j92', ['hk3-j92']],
    ['コード：hk3j-92ls', ['hk3j-92ls']],
    ['ログインコードは hk3j-92ls です', ['hk3j-92ls']],
    ['The code uses rc4-sha here, or aes-128-cbc', []],
    ['In the code: aes-128-cbc, read-only, win32-x64', []],
    ['We met hk3j-92ls today.', []],
    ['Code: 12 34 56', ['123456']],
    ['Code: 123-456', ['123456']],
    ['Code: 1 2 3 4 5 6', ['123456']],
    ['Your code is **493817**', ['493817']],
    ['Order 48151623 shipped. Your code: 1234', ['1234']],
    ['Your code for order 48151623 is 1234', ['1234']],
    ['Pay $1234 by 2024-05-06, see https://x.test/123456', []],
    ['Copyright 2024 Example', []],
    ['call +1 555 123 4567', []],
    ['call 555 123 4567 or (0800) 123456 for a code', []],
    ['card ending in 1234, confirmed', []],
    ['Use promo code 2468 today', []],
    ['Zip code: 94107', []],
    ['Your password expires in 1440 minutes', []],
    ['no numbers', []],
    ['Your code is 2024', ['2024']],
    [`Ticket 48151623, ${'x '.repeat(60)}your code: 1234`, ['1234']],
    [`In 2024, ${'x '.repeat(60)}your code: 1234`, ['1234']],
    // Distances before the word count twice.
    [`Your code, ${'x '.repeat(25)}7F3K-9QZP`, ['7F3K-9QZP']],
    [`7F3K-9QZP ${'x '.repeat(25)}for your code`, []],
    [`A code: ${'x '.repeat(30)}1111 or 2222 code`, ['2222', '1111']],
    ['Your code: https://x.test/1234567 9876', ['9876']],
    ['The years 2019-2024 of our code', []],
  ])('%j', (text, expected) => {
    expect(codes(text)).toEqual(expected)
  })

  test.each([
    ['German', 'Ihr Bestätigungscode lautet 482913.'],
    ['German', '482913 ist Ihre TAN für die Überweisung'],
    ['French', 'Votre code de vérification est le 482913'],
    ['French', 'Code à usage unique : 482 913'],
    ['Spanish', 'Tu código de verificación es: 482913'],
    ['Portuguese', 'Seu código de acesso é 482913'],
    ['Italian', 'Il tuo codice di verifica è 482913'],
    ['Dutch', 'Je verificatiecode is 482913'],
    ['Swedish', 'Din engångskod är 482913'],
    ['Danish', 'Din bekræftelseskode er 482913'],
    ['Finnish', 'Vahvistuskoodi: 482913'],
    ['Polish', 'Twój kod weryfikacyjny to 482913'],
    ['Czech', 'Váš ověřovací kód je 482913'],
    ['Turkish', 'Doğrulama kodunuz: 482913'],
    ['Russian', 'Ваш код подтверждения: 482913'],
    ['Greek', 'Ο κωδικός σας είναι 482913'],
    ['Japanese', '認証コードは482913です。'],
    ['Japanese', '確認コード：４８２９１３'],
    ['Chinese', '您的验证码是482913，请勿泄露。'],
    ['Korean', '인증번호 [482913]를 입력해 주세요'],
    ['Arabic', 'رمز التحقق الخاص بك هو ٤٨٢٩١٣'],
    ['Hindi', 'आपका ओटीपी 482913 है'],
    ['Vietnamese', 'Mã xác nhận của bạn là 482913'],
    ['Indonesian', 'Kode verifikasi Anda adalah 482913'],
  ])('in %s: %s', (_, text) => {
    expect(codes(text)).toEqual(['482913'])
  })

  test('a candidate has its context', () => {
    const [first, second] = codeCandidates(
      'Sign-in to Example\n\nHello Bob,\n\nyour code is 48 29 13.\nIt expires in 10 minutes. Never share this code, not even 7788 of it.',
    )
    expect(first).toEqual({
      code: '482913',
      written: '48 29 13',
      context: 'Sign-in to Example Hello Bob, your code is 48 29 13. It expires in 10 minutes. Never share this code,…',
      likelihood: 1,
    })
    expect(second?.code).toBe('7788')
    expect(second?.likelihood).toBeLessThan(1)
  })

  test('a long text of words and numbers is read in proportion to its length', () => {
    const scale = isLong ? 5 : 1
    expect(codes('code 1234 '.repeat(scale * 10_000))).toEqual(['1234'])
    expect(codes('a'.repeat(scale * 200_000))).toEqual([])
    expect(codes('1 '.repeat(scale * 100_000))).toEqual([])
  })
})

/** Mails as services send them: subject, body, and the codes that a person would type. */
const mails: readonly (readonly [service: string, subject: string, body: string, expected: readonly string[]])[] = [
  [
    'a code on its own line',
    'Your Example verification code',
    'Hi Bob,\n\nEnter this code to sign in:\n\n    493817\n\nThe code expires in 15 minutes.\n\nExample Inc., 548 Market St, San Francisco, CA 94104\n© 2024 Example',
    ['493817'],
  ],
  [
    'a code in the subject only',
    '482913 is your Example code',
    'Someone tried to sign in to your account.\nIf that was not you, ignore this mail.',
    ['482913'],
  ],
  [
    'a code in HTML boxes',
    'Confirm your e-mail address',
    '<p>Your verification code:</p><table><tr><td>4</td><td>8</td><td>2</td><td>9</td><td>1</td><td>3</td></tr></table><p>Example GmbH, 10117 Berlin</p>',
    ['482913'],
  ],
  [
    'a large code in HTML',
    'Sign in',
    '<html><body><h1>Sign in to Example</h1><p>Use the code below.</p><div style="font-size:32px">482&nbsp;913</div><p>Valid for 10 minutes.</p></body></html>',
    ['482913'],
  ],
  [
    'a Slack code',
    'Slack confirmation code: RK4-TYP',
    'Confirm your email address\nYour confirmation code is below — enter it in your open browser window.\n\nRK4-TYP\n',
    ['RK4-TYP'],
  ],
  [
    'a device code',
    'Activate your device',
    'On your TV, enter this code:\n\nWDJB-MJHT\n\nIt expires in 15 minutes.',
    ['WDJB-MJHT'],
  ],
  [
    'a code beside an order number',
    'Your order 48151623',
    'Order number: 48151623\nTotal: $1,249.00\n\nTo collect it, show the pickup code 7731 at the counter.\nQuestions? Call 1-800-555-0199.',
    ['7731'],
  ],
  [
    'an order without a code',
    'Your order 48151623 has shipped',
    'Order #48151623\nTracking number: 99400000\nTotal: 1234.00 EUR\nDelivered by 12 May 2024\nCustomer no. 556677',
    [],
  ],
  [
    'an invoice',
    'Invoice 2024-00317',
    'Invoice no. 20240317\nAmount due: 4200 EUR by 31.12.2024\nIBAN DE89 3704 0044 0532 0130 00\nVAT ID DE123456789',
    [],
  ],
  [
    'a ticket',
    '[Ticket 778812] Cannot sign in',
    'Case 778812 was updated.\nReference: 4455667\nCall us on 0800 123456.',
    [],
  ],
  [
    'a newsletter',
    'News of 2024',
    'In 2023 we had 125000 visitors; in 2024 over 150000.\nUse promo code SAVE20 for a discount!\n1600 Amphitheatre Parkway, Mountain View, CA 94043',
    [],
  ],
  [
    'a reset link',
    'Reset your password',
    'Click https://x.test/reset/83746251?code=998877 to choose a new password. The link works for 1440 minutes.',
    [],
  ],
  [
    'a link and a code',
    'Log in to Example',
    'Click https://x.test/login?token=887766 or paste this temporary login code: sparo-12\n\nOr enter 667788 as your login code.',
    ['667788'],
  ],
  [
    'a bank',
    'Ihre TAN',
    'Überweisung an DE89 3704 0044 0532 0130 00\nBetrag: 1.250,00 EUR\nIhre TAN lautet: 845123\nKundennummer 99887766',
    ['845123'],
  ],
  [
    'a bank, year first',
    'Your 2024 statement',
    'Your statement for 2024 is ready.\nYour one-time passcode: 2024',
    ['2024'],
  ],
  [
    'a French shop',
    'Votre code de confirmation',
    'Bonjour,\n\nVotre commande n° 55443322.\nVoici votre code de confirmation : 48 29 13\nIl expire dans 30 minutes.\n75008 Paris',
    ['482913'],
  ],
  ['a Spanish bank', 'Clave de un solo uso', 'Su clave es 5521.\nPedido 8812345. Teléfono 91 123 45 67.', ['5521']],
  [
    'a Japanese service',
    '【Example】認証コードのお知らせ',
    '以下の認証コードを入力してください。\n\n831205\n\n注文番号：44556677\n有効期限は30分です。',
    ['831205'],
  ],
  ['a Chinese service', '【示例】验证码', '您的验证码为：831205，5分钟内有效。订单号：44556677', ['831205']],
  ['a Korean service', '인증번호 안내', '인증번호: 831205\n주문번호: 44556677', ['831205']],
  ['a Russian service', 'Код подтверждения', 'Здравствуйте!\nВаш код: 831205\nЗаказ 44556677', ['831205']],
  ['an Arabic service', 'رمز التحقق', 'رمز التحقق هو 831205', ['831205']],
  ['a language without a known word', 'Kukaribisha', 'Habari Asha,\n\n831205\n\nAsante.', ['831205']],
  [
    'a Microsoft account',
    'Microsoft account security code',
    'Security code\n\nPlease use the following security code for the Microsoft account bo*****@lab.test.\n\nSecurity code: 7412589\n\nOnly enter this code on an official website.',
    ['7412589'],
  ],
  [
    'a Steam guard code',
    'Your Steam account: Access from new computer',
    'Here is the Steam Guard code you need to login to account bob:\n\nF7KQ2\n\nThis email was generated because of a login attempt from 203.0.113.7.',
    ['F7KQ2'],
  ],
  [
    'a GitHub launch code',
    'Your GitHub launch code',
    "Here's your GitHub launch code!\n\nContinue signing up for GitHub by entering the code below:\n\n66204138\n\nGitHub, Inc. 88 Colin P Kelly Jr St, San Francisco, CA 94107",
    ['66204138'],
  ],
  [
    'an Apple code',
    'Your Apple ID code',
    'Your Apple ID code is: 482913. Do not share it.\n@apple.com #482913',
    ['482913'],
  ],
  ['a code after a colon and quotes', 'Login', 'Enter "482913" as the verification code.', ['482913']],
  ['a code with a hyphen', 'Zoom', 'Your Zoom verification code: 482-913. Meeting ID: 883 1234 5678', ['482913']],
  ['a meeting with a passcode', 'Invitation', 'Meeting ID: 883 1234 5678\nPasscode: 993311', ['993311']],
  [
    'a PIN for a card',
    'Your new card',
    'Your card ending in 4242 is on its way. Its PIN is 8317. Card ****4242.',
    ['8317'],
  ],
  [
    'recovery codes',
    'Your recovery codes',
    'Keep these recovery codes:\n\n4f7k2-9qx3m\n1234 5678\n8765 4321',
    ['4f7k2-9qx3m', '12345678', '87654321'],
  ],
  [
    'a DHL parcel',
    'Ihre Sendung kommt heute',
    'Sendungsnummer 00340434\nIhr Abholcode: 7741\nPackstation 145, 10115 Berlin',
    ['7741'],
  ],
  [
    'a booking',
    'Booking confirmed',
    'Booking reference: 9988776\nFlight 1234 on 05/06/2024 at 18:45, seat 12A\nPrice: € 350',
    [],
  ],
  ['a calendar', 'Reminder: call at 1500', 'When: 2024-06-05 1500 UTC\nWhere: Room 4021\nDial +44 20 7946 0958', []],
  [
    'a password reset with a code',
    'Password reset',
    'Hello,\n\nuse 482913 to reset your password. Request from IP 198.51.100.23 on 12/05/2024.',
    ['482913'],
  ],
  ['two-factor', '2FA', 'Two-factor authentication: 482913', ['482913']],
  ['a code twice', 'Code 482913', 'Your code is 482913. Ticket 998877.', ['482913']],
  ['a quantity list', 'Packing list', 'Item 55667788, 1000 pcs, 25000 g\nSKU 99887766\nPO 44332211', []],
  [
    'an error report',
    'Build 1234 failed',
    'Build 1234 failed with exit code 1370 after 3600 seconds. PR 5678, issue 91011.',
    [],
  ],
  ['a voucher', 'A gift for you', 'Your voucher code: GIFT2024. Gift code: 88776655', []],
]

test.each(mails)('%s', (_, subject, body, expected) => {
  const type = body.startsWith('<') ? 'html' : 'plain'
  const raw = `Subject: =?utf-8?B?${Buffer.from(subject).toString('base64')}?=\r\nContent-Type: text/${type}; charset=utf-8\r\n\r\n${body}`
  expect(readable(Buffer.from(raw)).codes).toEqual(expected)
})

/** The short form looks at every fourth message. */
const realMail = corpus().filter((_, at) => isLong || at % 4 === 0)

test.skipIf(realMail.length === 0)('real mail without codes has almost none', () => {
  const found = realMail.flatMap(({ raw }) => readable(raw).codeCandidates.filter(({ likelihood }) => likelihood > 0.5))
  // 240 messages of 2001 to 2003, with two codes for offers.
  expect(found.length).toBeLessThanOrEqual(3)
})
