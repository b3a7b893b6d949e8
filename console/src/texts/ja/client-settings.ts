import type { Texts } from '../catalogue.ts'

export default {
  'clientSettings.account': 'アカウント',
  'clientSettings.address': 'メールアドレス',
  'clientSettings.user': 'ユーザー名',
  'clientSettings.password': 'パスワード',
  'clientSettings.showPassword': 'パスワードを表示',
  'clientSettings.hidePassword': 'パスワードを隠す',
  'clientSettings.programs': 'プログラム',
  'clientSettings.program': 'プログラム',
  'clientSettings.steps': '手順',
  'clientSettings.text': 'コピーするテキスト',
  'clientSettings.allPorts': 'ラボのすべてのポート',
  'clientSettings.protocol': 'プロトコル',
  'clientSettings.server': 'サーバー',
  'clientSettings.port': 'ポート',
  'clientSettings.security': 'セキュリティ',
  'clientSettings.virtualServer': '仮想サーバー',
  'clientSettings.purpose_pop3': '受信 (POP3)',
  'clientSettings.purpose_imap4': '受信 (IMAP)',
  'clientSettings.purpose_smtp': '送信 (SMTP)',
  'clientSettings.purpose_nntp': 'ニュース (NNTP)',
  'clientSettings.purpose_jmap': 'メール (JMAP)',
  'clientSettings.purpose_managesieve': 'Sieve スクリプト (ManageSieve)',
  'clientSettings.security_tls': 'SSL/TLS',
  'clientSettings.security_starttls': 'STARTTLS',
  'clientSettings.security_none': 'なし',
  'clientSettings.authentication': '認証',
  'clientSettings.way_password': 'パスワード',
  'clientSettings.way_cram-md5': 'CRAM-MD5',
  'clientSettings.way_digest-md5': 'DIGEST-MD5',
  'clientSettings.way_scram': 'SCRAM',
  'clientSettings.way_ntlm': 'NTLM (SPA)',
  'clientSettings.way_oauth2': 'OAuth2',
  'clientSettings.way_none': 'なし',
  'clientSettings.state_locked': 'ロックされています',
  'clientSettings.state_disabled': '無効です',
  'clientSettings.state_password-expired': 'パスワードの期限が切れています',
  'clientSettings.state_must-change-password': 'パスワードの変更が必要です',
  'clientSettings.cannotLogOn': '{user} はログオンできません: {state}。',
  'clientSettings.userInState': '{user} ({state})',
  'clientSettings.twoFactor': '2 要素認証のため、プログラムにはアプリ パスワードが必要です。',
  'clientSettings.copyServer': 'サーバーをコピー',
  'clientSettings.copyPort': 'ポートをコピー',
  'clientSettings.copyUser': 'ユーザー名をコピー',
  'clientSettings.copyAddress': 'アドレスをコピー',
  'clientSettings.copyPassword': 'パスワードをコピー',
  'clientSettings.copyText': 'テキストをコピー',
  'clientSettings.nothing': 'このプログラムで使える仮想サーバーがありません。',
  'clientSettings.none': 'アカウントがありません',
  'clientSettings.loopback':
    'これらのアドレスに接続できるのは、このコンピューターのプログラムだけです。スマートフォンや別のコンピューターから使うには、仮想サーバーに `address: 0.0.0.0` を、`hostname` に端末が解決できる名前を設定してください。',
  'clientSettings.localhostName':
    'ほかの端末から「localhost」ではラボに接続できません。`hostname` に、{host} など端末が解決できる名前を設定してください。',
  'clientSettings.legacy':
    'このプログラムは SSL 3.0 と TLS 1.0、古いスイートしか使えないため、TLS で接続できません。{servers} に `tls: { legacy: true }` を設定してください (ラボのみ)。',
  'clientSettings.legacyOn':
    'ラボはこのプログラムの古いバージョンとスイートを受け入れます。誰でも解読できるため、ラボの中でだけ使ってください。',
  'clientSettings.openAccess': '仮想サーバーの [アクセス] を開く',
  'clientSettings.clear': '{servers}: パスワードが平文で送信されます。',
  'clientSettings.refused':
    '{servers}: ラボは TLS なしのログオンを拒否します。このプログラムで TLS を使うには TLS ポートが必要です。',
  'clientSettings.downloads': 'ダウンロード',
  'clientSettings.download_autoconfig': 'Thunderbird 自動設定',
  'clientSettings.download_autodiscover': 'Outlook 自動検出',
  'clientSettings.download_mobileconfig': 'Apple Mail 用プロファイル',
  'clientSettings.download_root': 'ルート証明書',
  'clientSettings.hint_autoconfig': 'Thunderbird は {url} から自動的に取得します。',
  'clientSettings.hint_autodiscover': 'Outlook は {url} に問い合わせます。',
  'clientSettings.hint_mobileconfig': 'アカウントを設定し、ルート証明書をインストールします。',
  'clientSettings.hint_root': 'どのプログラムにも信頼させる必要があります。',
  'clientSettings.withPassword': 'パスワードを含める',
  'clientSettings.phone': 'スマートフォンで',
  'clientSettings.phoneHint':
    'iPhone、iPad、Mac のカメラでコードを読み取ると、プロファイルが開きます。求められたら、このアカウントでログオンしてください。',
  'clientSettings.phoneHost': 'スマートフォンから見たラボのアドレス',
  'clientSettings.phoneLoopback':
    'スマートフォンから {host} には接続できません。到達できる名前またはアドレスを入力してください。HTTP 仮想サーバーがそこで待ち受けている必要があります。',
  'clientSettings.qrLabel': '{url} の QR コード',
  'clientSettings.steps_outlook-express':
    '[ツール] - [アカウント] - [追加] - [メール] (または [ニュース]) で、名前とメールアドレスを入力します。\nサーバー、アカウント名、パスワードを入力します。「セキュリティで保護されたパスワード認証」は、認証が NTLM だけのサーバーでのみオンにします。\n[プロパティ] - [サーバー] で「このサーバーは認証が必要」をオンにします。\n[プロパティ] - [詳細設定] でポートを入力し、SSL/TLS のサーバーでは「このサーバーはセキュリティで保護された接続 (SSL) が必要」をオンにします。\n旧クライアント用のルート証明書 (「証明機関」ページの DER) をダブルクリックし、[証明書のインストール] で「信頼されたルート証明機関」に入れます。',
  'clientSettings.steps_outlook':
    'ルート証明書をインストールします。lab-ca.crt を開き、[証明書のインストール] - [現在のユーザー] - 「信頼されたルート証明機関」を選びます。または `certutil -user -addstore Root lab-ca.crt` を実行します。\n[ファイル] - [アカウントの追加] でメールアドレスを入力し、[詳細オプション] の「自分で自分のアカウントを手動で設定」をオンにします。\nIMAP または POP を選びます。\nサーバー、ポート、暗号化方法を入力します。「セキュリティで保護されたパスワード認証」は、認証が NTLM だけのサーバーでのみオンにします。\nパスワードを入力します。',
  'clientSettings.steps_thunderbird':
    '[設定] - [プライバシーとセキュリティ] - [証明書] - [証明書を管理] - [認証局証明書] - [読み込む] で lab-ca.pem を選び、信頼します。\n[アカウント設定] - [アカウント操作] - [メールアカウントを追加] で、名前、アドレス、パスワードを入力します。\n[手動設定] でサーバー、ポート、接続の保護を入力します。\n認証方式は上に示した最初のものを選びます (TLS でのパスワードは「通常のパスワード認証」)。[完了] を押します。\nニュースは [アカウント操作] - [その他のアカウントを追加] - [ニュースグループアカウント] で追加し、[サーバー設定] でポートと保護を設定します。',
  'clientSettings.steps_claws-mail':
    '[設定] - [新規アカウントの作成] で、名前、アドレス、サーバー、ユーザー名、パスワードを入力します。\n[受信] と [送信] で認証をオンにします。\n[TLS] で、サーバーごとに TLS または STARTTLS を選びます。\n[高度な設定] でポートを入力します。\nlab-ca.pem をシステムの証明書に追加するか、表示された証明書を承認します。',
  'clientSettings.steps_apple-mail':
    'QR コードを読み取るか、端末で lab.mobileconfig を開きます。\niOS: [設定] - [プロファイルがダウンロードされました] - [インストール]。macOS: [システム設定] - [プライバシーとセキュリティ] - [プロファイル] でプロファイルをダブルクリックします。\niOS: [設定] - [一般] - [情報] - [証明書信頼設定] でラボのルート証明書をオンにします。\n求められたらパスワードを入力します。これらのサーバーでアカウントが設定されます。',
  'clientSettings.steps_k-9':
    'lab-ca.crt を端末にコピーし、[設定] - [セキュリティ] - [暗号化と認証情報] - [証明書のインストール] - [CA 証明書] でインストールします。\nアカウントを追加し、メールアドレスとパスワードを入力して、手動設定を選びます。\n受信: サーバー、ポート、セキュリティを入力します。認証は「通常のパスワード」、または上に示した最初のものです。\n送信: SMTP の値で同様に設定します。',
  'clientSettings.steps_mutt':
    'lab-ca.pem をダウンロードし、そのパスを `certificate_file` に書きます。\nテキストを ~/.muttrc または ~/.config/neomutt/neomuttrc に追加します。\nmutt を起動します。ニュースの行は NeoMutt 用です: `neomutt -G`。',
  'clientSettings.steps_mbsync':
    'lab-ca.pem をダウンロードし、そのパスを `CertificateFile` に書きます。\nテキストを ~/.mbsyncrc に追加し、フォルダーを作成します: `mkdir -p ~/Mail/lab`。\n`mbsync lab` を実行します。',
  'clientSettings.steps_tin':
    'lab-ca.pem をダウンロードし、そのパスを ~/.tin/tinrc に書きます。\n~/.newsauth の行をそのファイルに書き、保護します: `chmod 600 ~/.newsauth`。\n最後の行をシェルで実行します。',
} satisfies Texts<'client-settings'>
