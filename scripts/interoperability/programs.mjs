// The programs of docs/interoperability.md, and the tests that drive each.

/** The version of an installed Debian package. dpkg-query replaces `${…}`. */
const debian = (name) => ({
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the format of dpkg-query
  command: ['dpkg-query', '-W', '-f', '${db:Status-Status} ${Version}', name],
  find: /^installed (.+)/,
})
/** The version of a Debian package that tests unpack, because it cannot be installed beside others. */
const unpacked = (name) => ({ command: ['apt-cache', 'show', '--no-all-versions', name], find: /^Version: (.+)$/m })
/** The version of a package in node_modules. */
const npm = (name) => ({ file: `node_modules/${name}/package.json`, find: /"version": "(.+?)"/ })
/** The version of a client that `scripts/fetch-clients.mjs` has downloaded. */
const fetched = (path) => ({ cached: `${path}/package.json`, find: /"version": "(.+?)"/ })
/** The version that a program prints. */
const printed = (command, find) => ({ command, find })

const clients = (name) => `test/clients/${name}.test.ts`
const oldTls = 'test/tls/legacy/interop/clients.interop.test.ts'
const scanners = 'test/tls/legacy/interop/scanners.interop.test.ts'
const judges = 'test/tls/negotiation/judges/judges.interop.test.ts'
const sieveClients = 'test/servers/managesieve/clients.interop.test.ts'
const serverChecks = 'test/checks/verify/servers.interop.test.ts'

/**
 * By heading of the page: name, version, protocols, and by test file an expression that finds the tests of the program by
 * their full names.
 */
export const programs = {
  'Mail and news programs': [
    ['Claws Mail', debian('claws-mail'), 'IMAP4', { [clients('imap-claws')]: /^Claws Mail/ }],
    ['Sylpheed', debian('sylpheed'), 'POP3', { [clients('more/sylpheed')]: /^Sylpheed/ }],
    [
      'Thunderbird',
      debian('thunderbird'),
      'IMAP4, SMTP, OAuth 2.0',
      { [clients('thunderbird-oauth2')]: /^Thunderbird/ },
    ],
    ['Roundcube', debian('roundcube-core'), 'IMAP4, SMTP', { [clients('more/roundcube')]: /^Roundcube/ }],
    ['Emacs', debian('emacs-nox'), 'SMTP, IMAP4, NNTP', { [clients('more/gnus')]: /^Emacs/ }],
    [
      'NeoMutt',
      debian('neomutt'),
      'IMAP4, POP3, SMTP, sendmail',
      { [clients('imap-readers')]: /^neomutt/, [clients('mutt')]: /^neomutt/, [clients('sendmail')]: /mutt$/ },
    ],
    ['Mutt', debian('mutt'), 'SMTP', { [clients('mutt')]: /^mutt/ }],
    ['aerc', debian('aerc'), 'JMAP', { [clients('jmap-terminal')]: /^aerc/ }],
    ['meli', debian('meli'), 'JMAP', { [clients('jmap-terminal')]: /^meli/ }],
    ['tin', debian('tin'), 'NNTP', { [clients('nntp-readers')]: /^tin / }],
    ['slrn', debian('slrn'), 'NNTP', { [clients('nntp-readers')]: /^slrn / }],
  ],
  'Programs that fetch, send and synchronize': [
    [
      'fetchmail',
      debian('fetchmail'),
      'POP3, IMAP4',
      {
        [clients('pop3-readers')]: /fetchmail/,
        [clients('imap-readers')]: /^fetchmail/,
        [clients('ntlm')]: /^fetchmail/,
      },
    ],
    [
      'getmail',
      debian('getmail6'),
      'POP3, IMAP4',
      { [clients('pop3-readers')]: /getmail/, [clients('imap-readers')]: /^getmail/ },
    ],
    ['mpop', debian('mpop'), 'POP3', { [clients('pop3-readers')]: /mpop/, [clients('ntlm')]: /^mpop/ }],
    ['mbsync', debian('isync'), 'IMAP4', { [clients('imap-mbsync')]: /^mbsync/, [clients('ntlm')]: /^mbsync/ }],
    ['imapsync', printed(['imapsync', '--version'], /^(\d\S+)/), 'IMAP4', { [clients('more/imapsync')]: /./ }],
    ['OfflineIMAP', debian('offlineimap3'), 'IMAP4', { [clients('imap-readers')]: /^offlineimap/ }],
    [
      'msmtp',
      debian('msmtp'),
      'SMTP',
      { [clients('smtp-senders')]: /msmtp/, [clients('ntlm')]: /^msmtp/, [clients('oauth2')]: /^msmtp/ },
    ],
    ['git send-email', debian('git-email'), 'sendmail', { [clients('sendmail')]: /git send-email/ }],
    ['PHP', debian('php-cli'), 'sendmail', { [clients('sendmail')]: /PHP/ }],
    ['BSD mailx', debian('bsd-mailx'), 'sendmail', { [clients('sendmail')]: /mailx$/ }],
    [
      'swaks',
      debian('swaks'),
      'SMTP, LMTP',
      {
        [clients('smtp-senders')]: /swaks/,
        [clients('lmtp-senders')]: /swaks/,
        [clients('sendmail')]: /swaks/,
        'test/servers/smtp/xclient.interop.test.ts': /^swaks/,
      },
    ],
    [
      'curl',
      debian('curl'),
      'SMTP, POP3, IMAP4, HTTP',
      {
        [clients('smtp-senders')]: /curl/,
        [clients('pop3-readers')]: /curl/,
        [clients('imap-readers')]: /^curl/,
        [clients('ntlm')]: /^(HTTP )?curl/,
        [clients('oauth2')]: /^curl/,
      },
    ],
    [
      'GNU SASL',
      debian('gsasl'),
      'SMTP, IMAP4',
      { [clients('sasl-clients')]: /^GNU SASL/, [clients('smtp-senders')]: /gsasl/, [clients('ntlm')]: /^gsasl/ },
    ],
    ['sieve-connect', debian('sieve-connect'), 'ManageSieve', { [sieveClients]: /^sieve-connect/ }],
    ['slrnpull', debian('slrnpull'), 'NNTP', { [clients('nntp-readers')]: /^slrnpull/ }],
    ['suck', debian('suck'), 'NNTP', { [clients('nntp-readers')]: /^suck/ }],
  ],
  Libraries: [
    [
      'nodemailer',
      npm('nodemailer'),
      'SMTP',
      {
        [clients('smtp-senders')]: /nodemailer/,
        'test/accounts/oauth2/clients.test.ts': /^nodemailer/,
        'test/servers/http/oauth2/mail-clients.test.ts': /^nodemailer/,
      },
    ],
    [
      'imapflow',
      npm('imapflow'),
      'IMAP4',
      {
        [clients('imap-imapflow')]: /./,
        [clients('imap-sharing')]: /^imapflow/,
        'test/accounts/oauth2/clients.test.ts': /^imapflow/,
        'test/servers/http/oauth2/mail-clients.test.ts': /^imapflow/,
      },
    ],
    ['newsie', fetched('newsie-1.2.1'), 'NNTP', { [clients('nntp-newsie')]: /^newsie/ }],
    ['jmap-jam', fetched('jmap-jam-0.13.1'), 'JMAP', { [clients('jmap-sdks')]: /^jmap-jam/ }],
    ['jmap-client-ts', fetched('jmap-client-ts-1.0.0'), 'JMAP', { [clients('jmap-sdks')]: /^jmap-client-ts/ }],
    [
      'Python',
      printed(['python3', '--version'], /^Python (\S+)/),
      'SMTP, LMTP, POP3, IMAP4',
      {
        [clients('smtp-senders')]: /Python/,
        [clients('lmtp-senders')]: /smtplib of Python/,
        [clients('pop3-readers')]: /Python/,
        [clients('imap-readers')]: /^Python/,
        [clients('imap-sharing')]: /^Python/,
        [clients('oauth2')]: /Python/,
      },
    ],
    [
      'http_ece',
      debian('python3-http-ece'),
      'JMAP',
      { 'test/servers/http/jmap/push-subscription.test.ts': /^RFC 8291: encrypts/ },
    ],
    ['requests-ntlm', debian('python3-requests-ntlm'), 'HTTP', { [clients('ntlm')]: /requests_ntlm|requests-ntlm/ }],
    ['pyspnego', debian('python3-pyspnego'), 'NNTP', { [clients('ntlm')]: /spnego/ }],
    [
      'Perl',
      debian('perl'),
      'SMTP, POP3, NNTP',
      {
        [clients('smtp-senders')]: /Perl Net::SMTP/,
        [clients('pop3-readers')]: /Perl Net::POP3/,
        [clients('nntp-readers')]: /^Perl Net::NNTP/,
      },
    ],
    [
      'Mail::IMAPClient',
      debian('libmail-imapclient-perl'),
      'IMAP4',
      {
        [clients('more/languages')]: /^Perl/,
        [clients('imap-sharing')]: /^Mail::IMAPClient/,
        [clients('sasl-clients')]: /Mail::IMAPClient/,
        [clients('more/mail-imapclient')]: /./,
      },
    ],
    ['Net::ManageSieve', debian('libnet-managesieve-perl'), 'ManageSieve', { [sieveClients]: /^Net::ManageSieve/ }],
    ['sievelib', debian('python3-sievelib'), 'ManageSieve', { [sieveClients]: /^sievelib/ }],
    ['Authen::NTLM', debian('libauthen-ntlm-perl'), 'IMAP4', { [clients('ntlm')]: /Authen::NTLM/ }],
    [
      'Ruby',
      printed(['ruby', '--version'], /^ruby (\S+)/),
      'SMTP, POP3, IMAP4',
      { [clients('more/languages')]: /^Ruby/ },
    ],
    ['Jakarta Mail', debian('libjakarta-mail-java'), 'SMTP, POP3, IMAP4', { [clients('more/languages')]: /^Java/ }],
    ['go-imap', debian('golang-github-emersion-go-imap-dev'), 'SMTP, IMAP4', { [clients('more/languages')]: /^Go/ }],
  ],
  'Servers and proxies': [
    [
      'Postfix',
      debian('postfix'),
      'SMTP, LMTP',
      {
        [clients('lmtp-senders')]: /Postfix, which/,
        'test/servers/smtp/xclient.interop.test.ts': /^Postfix/,
        'test/transport/outgoing/client/postfix.interop.test.ts': /^Postfix/,
        [serverChecks]: /^Postfix/,
      },
    ],
    ['Exim', unpacked('exim4-daemon-light'), 'SMTP', { [clients('more/mail-servers')]: /^Exim/ }],
    ['OpenSMTPD', unpacked('opensmtpd'), 'SMTP', { [clients('more/mail-servers')]: /^OpenSMTPD/ }],
    [
      'Dovecot',
      debian('dovecot-imapd'),
      'POP3, IMAP4, LMTP',
      {
        [serverChecks]: /^Dovecot/,
        [clients('imap-dsync')]: /^dsync/,
        [clients('lmtp-receivers')]: /Dovecot's lmtpd/,
      },
    ],
    ['Pigeonhole', debian('dovecot-sieve'), 'Sieve', { 'test/mail/sieve/dovecot.interop.test.ts': /./ }],
    ['Cyrus IMAP', debian('cyrus-imapd'), 'JMAP', { [clients('jmap-cyrus')]: /^JMAP beside Cyrus/ }],
    [
      'INN',
      debian('inn2'),
      'NNTP',
      {
        [clients('nntp-inn')]: /./,
        [clients('nntp-inn-answers')]: /./,
        [clients('nntp-readers')]: /^INN/,
        [serverChecks]: /^INN/,
      },
    ],
    ['HAProxy', debian('haproxy'), 'SMTP, IMAP4, HTTP', { 'test/net/proxies.interop.test.ts': /^HAProxy/ }],
    [
      'nginx',
      debian('nginx-light'),
      'SMTP, HTTP',
      { 'test/net/proxies.interop.test.ts': /^nginx/, 'test/servers/smtp/xclient.interop.test.ts': /^nginx/ },
    ],
  ],
  'TLS libraries, scanners and ACME clients': [
    [
      'OpenSSL',
      debian('openssl'),
      'TLS, SMTP, POP3, S/MIME',
      {
        [judges]: / OpenSSL$/,
        'test/mail/smime/signatures.test.ts': /./,
        'test/mail/smime/encryption.test.ts': /./,
        [clients('smtp-senders')]: /openssl/,
        [clients('pop3-readers')]: /openssl/,
        'test/tls/legacy/modern-clients.test.ts': /^OpenSSL/,
      },
    ],
    ['GnuPG (gpgsm)', debian('gpgsm'), 'S/MIME', { 'test/mail/smime/gpgsm.interop.test.ts': /^gpgsm/ }],
    [
      'OpenSSL of 2014, in Node.js 0.10',
      printed(['{cache}/node-v0.10.28-linux-x64/bin/node', '-p', 'process.versions.openssl'], /^(\S+)/),
      'TLS',
      { [oldTls]: /^OpenSSL/, [scanners]: /^OpenSSL/ },
    ],
    [
      'GnuTLS',
      debian('gnutls-bin'),
      'TLS',
      { [judges]: / GnuTLS$/, [oldTls]: /^GnuTLS/, 'test/tls/legacy/interop/mail.interop.test.ts': /with GnuTLS/ },
    ],
    ['NSS', debian('libnss3-tools'), 'TLS', { [judges]: / NSS$/, [oldTls]: /^NSS/ }],
    [
      'Java',
      printed(['java', '-version'], /version "(.+?)"/),
      'TLS, SMTP, POP3, IMAP4, NNTP',
      { [judges]: / Java$/, [oldTls]: /^Java/, 'test/tls/legacy/interop/mail.interop.test.ts': /over DES/ },
    ],
    ['Scapy', debian('python3-scapy'), 'TLS', { [judges]: / Scapy$/, [oldTls]: /^Scapy/ }],
    ['nmap', debian('nmap'), 'TLS', { [judges]: / nmap$/, [scanners]: /^nmap/ }],
    ['sslscan', debian('sslscan'), 'TLS', { [judges]: / sslscan$/, [scanners]: /^sslscan/ }],
    ['testssl.sh', debian('testssl.sh'), 'TLS', { [judges]: / testssl\.sh$/, [scanners]: /^testssl/ }],
    ['certbot', debian('certbot'), 'ACME', { 'test/cli/acme-clients.interop.test.ts': /^certbot/ }],
    ['acme.sh', debian('acme.sh'), 'ACME', { 'test/cli/acme-clients.interop.test.ts': /^acme\.sh/ }],
    ['lego', debian('lego'), 'ACME', { 'test/cli/acme-clients.interop.test.ts': /^lego/ }],
    ['uacme', debian('uacme'), 'ACME', { 'test/cli/acme-clients.interop.test.ts': /^uacme/ }],
    ['dehydrated', debian('dehydrated'), 'ACME', { 'test/cli/acme-clients.interop.test.ts': /^dehydrated/ }],
    ['mkcert', debian('mkcert'), 'PKI', { 'test/cli/outside-chains.interop.test.ts': / mkcert / }],
    ['easy-rsa', debian('easy-rsa'), 'PKI', { 'test/cli/outside-chains.interop.test.ts': / easy-rsa / }],
  ],
}
