import type { Texts } from '../catalogue.ts'

export default {
  'scripts.list': 'スクリプト',
  'scripts.hint': 'Sieve スクリプトは、アカウント宛てのメールの行き先を決めます。有効にできるのは 1 つだけです。',
  'scripts.account': 'アカウント',
  'scripts.add': '新しいスクリプト',
  'scripts.active': '有効',
  'scripts.none': 'このアカウントにスクリプトはありません',
  'scripts.noneHint': 'スクリプトは、届いたメールを振り分け、転送し、拒否し、返信します。',
  'scripts.noAccounts': 'ラボにアカウントがありません',
  'scripts.name': '名前',
  'scripts.content': 'スクリプト',
  'scripts.runs': '有効: 届いたメールに対して実行',
  'scripts.save': '保存',
  'scripts.remove': '削除',
  'scripts.activeHint': 'このスクリプトは有効です。先に無効にしてください。',
  'scripts.removed': '{name} を削除しました',
  'scripts.saved': '{name} を保存しました',
  'scripts.valid': 'スクリプトに誤りはありません。',
  'scripts.configuredHint': 'このスクリプトはラボの設定にあります。設定を変更してください。',
} satisfies Texts<'scripts'>
