import type { Texts } from '../catalogue.ts'

export default {
  'clientSettings.account': 'Konto',
  'clientSettings.address': 'E-Mail-Adresse',
  'clientSettings.user': 'Benutzername',
  'clientSettings.password': 'Kennwort',
  'clientSettings.showPassword': 'Kennwort anzeigen',
  'clientSettings.hidePassword': 'Kennwort verbergen',
  'clientSettings.programs': 'Programme',
  'clientSettings.program': 'Programm',
  'clientSettings.steps': 'Schritte',
  'clientSettings.text': 'Text zum Kopieren',
  'clientSettings.allPorts': 'Alle Ports des Labors',
  'clientSettings.protocol': 'Protokoll',
  'clientSettings.server': 'Server',
  'clientSettings.port': 'Port',
  'clientSettings.security': 'Sicherheit',
  'clientSettings.virtualServer': 'Virtueller Server',
  'clientSettings.purpose_pop3': 'Posteingang (POP3)',
  'clientSettings.purpose_imap4': 'Posteingang (IMAP)',
  'clientSettings.purpose_smtp': 'Postausgang (SMTP)',
  'clientSettings.purpose_nntp': 'News (NNTP)',
  'clientSettings.purpose_jmap': 'Mail (JMAP)',
  'clientSettings.purpose_managesieve': 'Sieve-Skripte (ManageSieve)',
  'clientSettings.security_tls': 'SSL/TLS',
  'clientSettings.security_starttls': 'STARTTLS',
  'clientSettings.security_none': 'keine',
  'clientSettings.authentication': 'Anmeldung',
  'clientSettings.way_password': 'Kennwort',
  'clientSettings.way_cram-md5': 'CRAM-MD5',
  'clientSettings.way_digest-md5': 'DIGEST-MD5',
  'clientSettings.way_scram': 'SCRAM',
  'clientSettings.way_ntlm': 'NTLM (SPA)',
  'clientSettings.way_oauth2': 'OAuth2',
  'clientSettings.way_none': 'keine',
  'clientSettings.state_locked': 'gesperrt',
  'clientSettings.state_disabled': 'deaktiviert',
  'clientSettings.state_password-expired': 'das Kennwort ist abgelaufen',
  'clientSettings.state_must-change-password': 'das Kennwort muss geändert werden',
  'clientSettings.cannotLogOn': '{user} kann sich nicht anmelden: {state}.',
  'clientSettings.userInState': '{user} ({state})',
  'clientSettings.twoFactor': 'Mit zwei Faktoren brauchen Programme ein App-Kennwort.',
  'clientSettings.copyServer': 'Server kopieren',
  'clientSettings.copyPort': 'Port kopieren',
  'clientSettings.copyUser': 'Benutzernamen kopieren',
  'clientSettings.copyAddress': 'Adresse kopieren',
  'clientSettings.copyPassword': 'Kennwort kopieren',
  'clientSettings.copyText': 'Text kopieren',
  'clientSettings.nothing': 'Das Labor hat keinen virtuellen Server für dieses Programm.',
  'clientSettings.none': 'Es gibt kein Konto',
  'clientSettings.loopback':
    'Diese Adressen erreichen nur Programme auf diesem Rechner. Für ein Telefon oder einen anderen Rechner setzen Sie `address: 0.0.0.0` der virtuellen Server und als `hostname` einen Namen, den das Gerät auflöst.',
  'clientSettings.localhostName':
    'Andere Geräte erreichen das Labor nicht als „localhost“. Setzen Sie `hostname` auf einen Namen, den sie auflösen, etwa {host}.',
  'clientSettings.legacy':
    'TLS misslingt mit diesem Programm: Es kennt nur SSL 3.0 und TLS 1.0 mit alten Suites. Setzen Sie `tls: { legacy: true }` für {servers}, nur in einem Labor.',
  'clientSettings.legacyOn':
    'Das Labor nimmt die alten Versionen und Suites dieses Programms an. Jeder kann sie brechen: nur in einem Labor verwenden.',
  'clientSettings.openAccess': 'Zugriff des virtuellen Servers öffnen',
  'clientSettings.clear': '{servers}: Das Kennwort geht im Klartext über das Netz.',
  'clientSettings.refused':
    '{servers}: Das Labor lehnt Anmeldungen ohne TLS ab, und dieses Programm kann TLS nur an einem TLS-Port.',
  'clientSettings.downloads': 'Downloads',
  'clientSettings.download_autoconfig': 'Thunderbird-Autoconfig',
  'clientSettings.download_autodiscover': 'Outlook-Autodiscover',
  'clientSettings.download_mobileconfig': 'Profil für Apple Mail',
  'clientSettings.download_root': 'Stammzertifikat',
  'clientSettings.hint_autoconfig': 'Thunderbird findet es selbst unter {url}.',
  'clientSettings.hint_autodiscover': 'Outlook fragt {url}.',
  'clientSettings.hint_mobileconfig': 'Richtet das Konto ein und installiert das Stammzertifikat.',
  'clientSettings.hint_root': 'Jedes Programm muss ihm vertrauen.',
  'clientSettings.withPassword': 'mit dem Kennwort',
  'clientSettings.phone': 'Auf einem Telefon',
  'clientSettings.phoneHint':
    'Scannen Sie den Code mit der Kamera von iPhone, iPad oder Mac, um das Profil zu öffnen. Melden Sie sich auf Nachfrage mit dem Konto an.',
  'clientSettings.phoneHost': 'Adresse des Labors für das Telefon',
  'clientSettings.phoneLoopback':
    'Ein Telefon erreicht {host} nicht. Geben Sie einen Namen oder eine Adresse dieses Rechners ein. Der virtuelle HTTP-Server muss dort erreichbar sein.',
  'clientSettings.qrLabel': 'QR-Code von {url}',
  'clientSettings.steps_outlook-express':
    'Extras, Konten, Hinzufügen, E-Mail (oder News): Namen und E-Mail-Adresse eingeben.\nServer, Kontoname und Kennwort eingeben. „Gesicherte Kennwortauthentifizierung“ nur ankreuzen, wo als Anmeldung allein NTLM steht.\nEigenschaften, Server: „Server erfordert Authentifizierung“ ankreuzen.\nEigenschaften, Erweitert: die Ports eingeben und bei SSL/TLS „Dieser Server erfordert eine sichere Verbindung (SSL)“ ankreuzen.\nStammzertifikat für alte Clients installieren (Zertifizierungsstellen, DER): doppelklicken, Zertifikat installieren, Vertrauenswürdige Stammzertifizierungsstellen.',
  'clientSettings.steps_outlook':
    'Stammzertifikat installieren: lab-ca.crt öffnen, Zertifikat installieren, Aktueller Benutzer, Vertrauenswürdige Stammzertifizierungsstellen. Oder: `certutil -user -addstore Root lab-ca.crt`.\nDatei, Konto hinzufügen: E-Mail-Adresse eingeben, Erweiterte Optionen, „Ich möchte mein Konto manuell einrichten“.\nIMAP oder POP wählen.\nServer, Ports und Verschlüsselungsmethode eingeben. Die gesicherte Kennwortauthentifizierung nur einschalten, wo als Anmeldung allein NTLM steht.\nKennwort eingeben.',
  'clientSettings.steps_thunderbird':
    'Einstellungen, Datenschutz & Sicherheit, Zertifikate verwalten, Zertifizierungsstellen, Importieren: lab-ca.pem wählen und für Websites vertrauen.\nKonten-Einstellungen, Konten-Aktionen, E-Mail-Konto hinzufügen: Name, Adresse und Kennwort eingeben.\nManuell einrichten: Server, Ports und Verbindungssicherheit eingeben.\nAuthentifizierungsmethode: die erste der oben genannten. Kennwort über TLS heißt „Passwort, normal“. Dann Fertig.\nFür News: Konten-Aktionen, Anderes Konto hinzufügen, Newsgruppen-Konto; Port und Sicherheit stehen in dessen Server-Einstellungen.',
  'clientSettings.steps_claws-mail':
    'Konfiguration, Neues Konto erstellen: Name, Adresse, Server, Benutzername und Kennwort eingeben.\nEmpfangen und Senden: Authentifizierung einschalten.\nTLS: für jeden Server TLS oder STARTTLS wählen.\nErweitert: die Ports eingeben.\nStammzertifikat: lab-ca.pem zu den Zertifikaten des Systems hinzufügen, oder das angezeigte Zertifikat annehmen.',
  'clientSettings.steps_apple-mail':
    'QR-Code scannen, oder lab.mobileconfig auf dem Gerät öffnen.\niOS: Einstellungen, Profil geladen, Installieren. macOS: Systemeinstellungen, Datenschutz & Sicherheit, Profile, und das Profil doppelklicken.\niOS: Einstellungen, Allgemein, Info, Zertifikatsvertrauenseinstellungen: die Wurzel des Labors einschalten.\nAuf Nachfrage das Kennwort eingeben. Das Konto ist dann mit diesen Servern eingerichtet.',
  'clientSettings.steps_k-9':
    'lab-ca.crt auf das Gerät kopieren. Einstellungen, Sicherheit, Verschlüsselung & Anmeldedaten, Zertifikat installieren, CA-Zertifikat.\nKonto hinzufügen: E-Mail-Adresse und Kennwort eingeben und die manuelle Einrichtung wählen.\nPosteingang: Server, Port und Sicherheit eingeben. Authentifizierung: Passwort, normal, oder die erste der oben genannten.\nPostausgang: ebenso mit den Werten von SMTP.',
  'clientSettings.steps_mutt':
    'lab-ca.pem herunterladen und den Pfad in `certificate_file` eintragen.\nDen Text an ~/.muttrc oder ~/.config/neomutt/neomuttrc anhängen.\nmutt starten. Die News-Zeilen sind für NeoMutt: `neomutt -G`.',
  'clientSettings.steps_mbsync':
    'lab-ca.pem herunterladen und den Pfad in `CertificateFile` eintragen.\nDen Text an ~/.mbsyncrc anhängen und den Ordner anlegen: `mkdir -p ~/Mail/lab`.\n`mbsync lab` ausführen.',
  'clientSettings.steps_tin':
    'lab-ca.pem herunterladen und den Pfad in ~/.tin/tinrc eintragen.\nDie Zeile für ~/.newsauth in diese Datei schreiben und sie schützen: `chmod 600 ~/.newsauth`.\nDie letzte Zeile in einer Shell ausführen.',
} satisfies Texts<'client-settings'>
