# Sends a message with the postmark gem, which is the delivery method of Action Mailer in postmark-rails.
require 'postmark'

port = ARGV[0].to_i
client = Postmark::ApiClient.new('11111111-2222-3333-4444-555555555555', host: 'localhost', port: port, path_prefix: '/postmark/', secure: false)
puts client.deliver(from: 'shop@lab.test', to: 'alice@lab.test', bcc: 'bob@lab.test', subject: 'By the gem', text_body: 'Hello', html_body: '<p>Hello</p>')[:message]
