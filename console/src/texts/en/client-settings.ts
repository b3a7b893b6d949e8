export default {
  'clientSettings.account': 'Account',
  'clientSettings.address': 'E-mail address',
  'clientSettings.user': 'User name',
  'clientSettings.password': 'Password',
  'clientSettings.showPassword': 'Show the password',
  'clientSettings.hidePassword': 'Hide the password',
  'clientSettings.yourPassword': 'the password of the account',
  'clientSettings.programs': 'Programs',
  'clientSettings.program': 'Program',
  'clientSettings.servers': 'What to enter',
  'clientSettings.steps': 'Steps',
  'clientSettings.text': 'Text to copy',
  'clientSettings.allPorts': 'Every port of the lab',
  'clientSettings.protocol': 'Protocol',
  'clientSettings.server': 'Server',
  'clientSettings.port': 'Port',
  'clientSettings.security': 'Security',
  'clientSettings.virtualServer': 'Virtual server',
  'clientSettings.purpose_pop3': 'Incoming (POP3)',
  'clientSettings.purpose_imap4': 'Incoming (IMAP)',
  'clientSettings.purpose_smtp': 'Outgoing (SMTP)',
  'clientSettings.purpose_nntp': 'News (NNTP)',
  'clientSettings.security_tls': 'SSL/TLS',
  'clientSettings.security_starttls': 'STARTTLS',
  'clientSettings.security_none': 'none',
  'clientSettings.noLogOn': 'no log-on without TLS',
  'clientSettings.copyServer': 'Copy the server',
  'clientSettings.copyPort': 'Copy the port',
  'clientSettings.copyUser': 'Copy the user name',
  'clientSettings.copyAddress': 'Copy the address',
  'clientSettings.copyPassword': 'Copy the password',
  'clientSettings.copyText': 'Copy the text',
  'clientSettings.nothing': 'The lab has no virtual server that this program can use.',
  'clientSettings.none': 'There is no account',
  'clientSettings.loopback':
    'Only programs on this machine reach these addresses. For a phone or another computer, set `address: 0.0.0.0` of the virtual servers, and `hostname` to a name that the device resolves.',
  'clientSettings.localhostName':
    'Other devices do not reach the lab as “localhost”. Set `hostname` to a name that they resolve, such as {host}.',
  'clientSettings.legacy':
    'TLS fails with this program: it knows only SSL 3.0 and TLS 1.0 with old suites. Set `tls: { legacy: true }` of {servers}, in a lab only.',
  'clientSettings.legacyOn':
    'The lab accepts the old versions and suites of this program. Anyone can break them: use them in a lab only.',
  'clientSettings.openAccess': 'Open Access of the virtual server',
  'clientSettings.clear': '{servers}: the password crosses the network in clear text.',
  'clientSettings.refused': '{servers}: the lab refuses log-on without TLS, which this program has only on a TLS port.',
  'clientSettings.downloads': 'Downloads',
  'clientSettings.download_autoconfig': 'Thunderbird autoconfig',
  'clientSettings.download_autodiscover': 'Outlook autodiscover',
  'clientSettings.download_mobileconfig': 'Profile for Apple Mail',
  'clientSettings.download_root': 'Root certificate',
  'clientSettings.hint_autoconfig': 'Thunderbird finds it by itself at {url}.',
  'clientSettings.hint_autodiscover': 'Outlook asks {url}.',
  'clientSettings.hint_mobileconfig': 'Sets up the account and installs the root.',
  'clientSettings.hint_root': 'Every program must trust it.',
  'clientSettings.withPassword': 'with the password',
  'clientSettings.phone': 'On a phone',
  'clientSettings.phoneHint':
    'Scan the code with the camera of an iPhone, iPad or Mac to open the profile. If it asks, log on with the account.',
  'clientSettings.phoneHost': 'Address of the lab for the phone',
  'clientSettings.phoneLoopback':
    'A phone does not reach {host}. Enter a name or address of this machine that it reaches. The HTTP virtual server must listen there.',
  'clientSettings.qrLabel': 'QR code of {url}',
  'clientSettings.steps_outlook-express':
    'Tools, Accounts, Add, Mail (or News): enter a name and the e-mail address.\nEnter the servers, the account name and the password. Leave Secure Password Authentication off.\nProperties, Servers: tick “My server requires authentication”.\nProperties, Advanced: enter the ports, and tick “This server requires a secure connection (SSL)” where security is SSL/TLS.\nInstall the root for old clients (Authorities, DER): double-click it, Install Certificate, Trusted Root Certification Authorities.',
  'clientSettings.steps_outlook':
    'Install the root: open lab-ca.crt, Install Certificate, Current User, Trusted Root Certification Authorities. Or: `certutil -user -addstore Root lab-ca.crt`.\nFile, Add Account: enter the e-mail address, Advanced options, “Let me set up my account manually”.\nChoose IMAP or POP.\nEnter the servers, the ports and the encryption method. Leave Secure Password Authentication off.\nEnter the password.',
  'clientSettings.steps_thunderbird':
    'Settings, Privacy & Security, Certificates, Manage Certificates, Authorities, Import: choose lab-ca.pem, and trust it for websites.\nAccount Settings, Account Actions, Add Mail Account: enter name, address and password.\nConfigure manually: enter the servers, the ports and the connection security.\nAuthentication method: Normal password. Choose Done.\nFor news: Account Actions, Add Other Account, Newsgroup account; then set the port and the security in its Server Settings.',
  'clientSettings.steps_claws-mail':
    'Configuration, Create new account: enter the name, the address, the servers, the user name and the password.\nReceive and Send: tick “Use IMAP authentication” and “SMTP Authentication”.\nTLS: choose “Use TLS” or “Use STARTTLS command to start encrypted session” for each server.\nAdvanced: enter the ports.\nTrust the root: add lab-ca.pem to the certificates of the system, or accept the certificate that Claws Mail shows.',
  'clientSettings.steps_apple-mail':
    'Scan the QR code, or open lab.mobileconfig on the device.\niOS: Settings, Profile Downloaded, Install. macOS: System Settings, Privacy & Security, Profiles, and double-click the profile.\niOS: Settings, General, About, Certificate Trust Settings: turn on the root of the lab.\nEnter the password if it asks. The account then has these servers.',
  'clientSettings.steps_k-9':
    'Copy lab-ca.crt to the device. Settings, Security, Encryption & credentials, Install a certificate, CA certificate.\nAdd an account: enter the e-mail address and the password, and choose manual setup.\nIncoming: enter the server, the port and the security. Authentication: normal password.\nOutgoing: the same with the values of SMTP.',
  'clientSettings.steps_mutt':
    'Download lab-ca.pem, and put its path into `certificate_file`.\nAppend the text to ~/.muttrc, or to ~/.config/neomutt/neomuttrc.\nStart mutt. The news lines are for NeoMutt: `neomutt -G`.',
  'clientSettings.steps_mbsync':
    'Download lab-ca.pem, and put its path into `CertificateFile`.\nAppend the text to ~/.mbsyncrc, and create the folder: `mkdir -p ~/Mail/lab`.\nRun `mbsync lab`.',
  'clientSettings.steps_tin':
    'Download lab-ca.pem, and put its path into ~/.tin/tinrc.\nWrite the line of ~/.newsauth to that file, and protect it: `chmod 600 ~/.newsauth`.\nRun the last line in a shell.',
}
