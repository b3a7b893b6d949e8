# Sends, reads, searches, flags, moves and deletes mail with Ruby's own libraries. Arguments: ports of SMTP, IMAPS and POP3S.
# The root of the lab is in SSL_CERT_FILE.
require 'net/imap'
require 'net/pop'
require 'net/smtp'

smtp_port, imap_port, pop_port = ARGV.map(&:to_i)
def check(what, value) = value || abort("failed: #{what}")

smtp = Net::SMTP.new('localhost', smtp_port)
smtp.enable_starttls
smtp.start('client.example.test', 'alice', 'secret', :plain) do |session|
  session.send_message("From: alice@lab.test\r\nTo: bob@lab.test\r\nSubject: From Ruby\r\n\r\n.dot\r\n", 'alice@lab.test', 'bob@lab.test')
end

imap = Net::IMAP.new('localhost', port: imap_port, ssl: true)
imap.authenticate(ENV.fetch('MECHANISM'), 'bob', 'geheim')
check 'LIST', imap.list('', '*').map(&:name).include?('INBOX')
imap.create('Ruby/One')
check 'SELECT', imap.select('INBOX') && imap.responses('EXISTS').last.positive?
uids = imap.uid_search(%w[SUBJECT Ruby])
check 'SEARCH', uids.length == 1
data = imap.uid_fetch(uids, %w[ENVELOPE FLAGS BODYSTRUCTURE BODY.PEEK[TEXT]]).first
check 'FETCH', data.attr['ENVELOPE'].subject == 'From Ruby' && data.attr['BODY[TEXT]'] == ".dot\r\n"
imap.uid_store(uids, '+FLAGS', %i[Flagged])
imap.append('Ruby/One', "Subject: Appended\r\n\r\nHello\r\n", [:Seen], Time.now)
imap.uid_move(uids, 'Ruby/One')
check 'STATUS', imap.status('Ruby/One', %w[MESSAGES]) == { 'MESSAGES' => 2 }
imap.select('Ruby/One')
check 'SORT', imap.sort(['SUBJECT'], ['ALL'], 'UTF-8') == [1, 2]
imap.store(1, '+FLAGS', [:Deleted])
check 'EXPUNGE', imap.expunge == [1]
imap.select('INBOX')
imap.append('INBOX', "Subject: For POP3\r\n\r\nHello\r\n")
imap.delete('Ruby/One')
imap.logout

Net::POP3.enable_ssl(OpenSSL::SSL::VERIFY_PEER, ENV.fetch('SSL_CERT_FILE'))
Net::POP3.start('localhost', pop_port, 'bob', 'geheim') do |pop|
  mail = check 'POP3', pop.mails.find { |one| one.header.include?('For POP3') }
  check 'RETR', mail.pop.include?('Hello')
  mail.delete
end
puts 'done'
