import type { Texts } from '../catalogue.ts'

export default {
  'mail.list': 'Nachrichten',
  'mail.noSubject': '(kein Betreff)',
  'mail.selectOne': 'Wählen Sie eine Nachricht',
} satisfies Texts<'mail'>
