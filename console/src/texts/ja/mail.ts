import type { Texts } from '../catalogue.ts'

export default {
  'mail.list': 'メッセージ',
  'mail.noSubject': '（件名なし）',
  'mail.selectOne': 'メッセージを選択してください',
} satisfies Texts<'mail'>
