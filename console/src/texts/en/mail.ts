export default {
  'mail.list': 'Messages',
  'mail.noSubject': '(no subject)',
  'mail.selectOne': 'Select a message',
}
