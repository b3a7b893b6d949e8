import type { Texts } from '../catalogue.ts'

export default {
  'checks.reachable.title': 'erreichbar',
  'checks.reachable.why': 'Nimmt der Port keine Verbindung an, lässt sich nichts weiter prüfen.',
  'checks.reachable.cure': 'Starten Sie den virtuellen Server und prüfen Sie Adresse, Port und Firewalls dazwischen.',
  'checks.greeting.title': 'Begrüßung',
  'checks.greeting.why': 'Ein Client wartet auf die Begrüßung des Protokolls und gibt ohne sie auf.',
  'checks.greeting.cure':
    'Prüfen Sie, ob der Port zu diesem Protokoll gehört, und lesen Sie den Mitschnitt der Sitzung.',
  'checks.tls.title': 'TLS',
  'checks.tls.why': 'Ohne TLS kann jeder im Netz Kennwörter und E-Mails mitlesen.',
  'checks.tls.cure':
    'Weisen Sie dem virtuellen Server ein Zertifikat zu, damit er STARTTLS oder einen TLS-Port anbietet.',
  'checks.negotiated.title': 'Version und Suite',
  'checks.negotiated.why':
    'Das erhält ein aktueller Client. Mindestens nötig ist TLS 1.2 mit Forward Secrecy und 128 Bit (RFC 9325).',
  'checks.negotiated.cure': 'Heben Sie die niedrigste TLS-Version an und bieten Sie Suites mit ECDHE und AES-GCM an.',
  'checks.chain.title': 'Zertifikatkette',
  'checks.chain.why':
    'Ein Client vertraut einem Zertifikat nur, wenn alle Aussteller bis zu einer ihm bekannten Wurzel der Reihe nach gesendet werden.',
  'checks.chain.cure':
    'Installieren Sie die Zwischenzertifikate hinter dem des Servers, oder nutzen Sie eine Stelle, deren Wurzel die Clients kennen.',
  'checks.names.title': 'Zertifikatnamen',
  'checks.names.why':
    'Clients vergleichen den Namen, mit dem sie sich verbinden, mit subjectAltName; der Common Name zählt nicht.',
  'checks.names.cure':
    'Stellen Sie ein Zertifikat mit diesem Namen in subjectAltName aus, oder verbinden Sie sich mit einem Namen, den es hat.',
  'checks.dates.title': 'Gültigkeitsdauer',
  'checks.dates.why': 'Clients lehnen abgelaufene und noch nicht gültige Zertifikate ab.',
  'checks.dates.cure': 'Erneuern Sie das Zertifikat. Sollte es gültig sein, prüfen Sie die Uhren.',
  'checks.key.title': 'Zertifikatschlüssel',
  'checks.key.why': 'Kurze Schlüssel und Signaturen mit MD5 oder SHA-1 lassen sich fälschen.',
  'checks.key.cure':
    'Stellen Sie ein Zertifikat mit mindestens 2.048 Bit RSA oder mit P-256 aus, signiert mit SHA-256.',
  'checks.purposes.title': 'Zertifikatzweck',
  'checks.purposes.why': 'Clients nehmen nur Zertifikate an, die Server ausweisen dürfen.',
  'checks.purposes.cure':
    'Stellen Sie ein Zertifikat mit dem Zweck serverAuth aus, das keines einer Zertifizierungsstelle ist.',
  'checks.other-certificates.title': 'andere Zertifikate',
  'checks.other-certificates.why':
    'Clients älterer Versionen oder mit anderer Schlüsselart erhalten andere Zertifikate, die ebenso gut sein müssen.',
  'checks.other-certificates.cure': 'Ersetzen Sie diese Zertifikate, oder entfernen Sie sie vom virtuellen Server.',
  'checks.revocation.title': 'Sperrung',
  'checks.revocation.why': 'Der Schlüssel eines gesperrten Zertifikats kann in fremden Händen sein.',
  'checks.revocation.cure':
    'Stellen Sie ein neues Zertifikat aus. Ist die Sperrliste nicht lesbar, prüfen Sie die Adresse, die das Zertifikat nennt.',
  'checks.transparency.title': 'Certificate Transparency',
  'checks.transparency.why':
    'Browser verlangen bei öffentlichen Stellen Zeitstempel von Transparenz-Logs. E-Mail-Programme fragen meist nicht danach.',
  'checks.transparency.cure':
    'Eine private Stelle braucht keine. Ist die Liste fehlerhaft, lassen Sie das Zertifikat neu ausstellen.',
  'checks.dane.title': 'DANE',
  'checks.dane.why':
    'TLSA-Einträge sagen sendenden Servern, welches Zertifikat sie erwarten sollen (RFC 7672). Ein falscher hält E-Mails auf.',
  'checks.dane.cure':
    'Veröffentlichen Sie den TLSA-Eintrag eines neuen Zertifikats, bevor Sie es verwenden, und signieren Sie die Zone mit DNSSEC.',
  'checks.mta-sts.title': 'MTA-STS',
  'checks.mta-sts.why':
    'Die Richtlinie lässt sendende Server TLS verlangen (RFC 8461). Ein Server, den sie nicht nennt, erhält keine E-Mails.',
  'checks.mta-sts.cure': 'Nehmen Sie den Server in die Richtlinie auf, und ändern Sie die id ihres DNS-Eintrags.',
  'checks.versions.title': 'TLS-Versionen',
  'checks.versions.why':
    'SSL 2.0 bis TLS 1.1 haben bekannte Schwächen und sind durch RFC 6176, 7568 und 8996 verboten.',
  'checks.versions.cure': 'Setzen Sie die niedrigste Version des virtuellen Servers auf TLS 1.2.',
  'checks.handshakes.title': 'Handshakes',
  'checks.handshakes.why': 'Wer eine Version annimmt, muss ihren Handshake auch abschließen.',
  'checks.handshakes.cure':
    'Lesen Sie den Alert in der Sitzung des Labors, und vergleichen Sie Suites und Schlüsselarten.',
  'checks.alpn.title': 'ALPN',
  'checks.alpn.why':
    'Wird der Name des Protokolls nicht geprüft, kann ein Angreifer Clients zu einem Server eines anderen Protokolls lenken (ALPACA).',
  'checks.alpn.cure': 'Der Server sollte den Namen seines Protokolls kennen (RFC 7301) und andere ablehnen.',
  'checks.suites.title': 'schwache Suites',
  'checks.suites.why': 'NULL-, anonyme, Export-, DES-, RC4- und 3DES-Suites lassen sich brechen.',
  'checks.suites.cure':
    'Entfernen Sie sie aus den Suites des virtuellen Servers, oder verlangen Sie 128-Bit-Verschlüsselung.',
  'checks.older-suites.title': 'ältere Suites',
  'checks.older-suites.why':
    'CBC-Suites und solche ohne Forward Secrecy sind noch erlaubt, neuere aber sicherer (RFC 9325).',
  'checks.older-suites.cure':
    'Bieten Sie nur ECDHE mit AES-GCM oder ChaCha20 an, sobald kein Client die anderen braucht.',
  'checks.recommendations.title': 'TLS 1.2 nach RFC 9325',
  'checks.recommendations.why':
    'RFC 9325 empfiehlt, was TLS 1.2 gegen Angreifer schützt, die Verbindungen aufzeichnen oder den Handshake stören.',
  'checks.recommendations.cure':
    'Stellen Sie ECDHE mit AES-GCM voran, und aktualisieren Sie TLS-Bibliotheken ohne extended_master_secret.',
  'checks.groups.title': 'Gruppen des Schlüsselaustauschs',
  'checks.groups.why':
    'Die Gruppe bestimmt, wie die Schlüssel vereinbart werden. Hybride Gruppen halten auch Quantencomputern stand.',
  'checks.groups.cure': 'Es ist nichts zu tun. Wählen Sie Gruppen in den TLS-Einstellungen des Servers.',
  'checks.dh-groups.title': 'Diffie-Hellman-Gruppen',
  'checks.dh-groups.why': 'Gruppen unter 2.048 Bit lassen sich brechen (Logjam).',
  'checks.dh-groups.cure': 'Verwenden Sie Gruppen ab 2.048 Bit, etwa ffdhe2048, oder nur ECDHE.',
  'checks.freak.title': 'FREAK',
  'checks.freak.why': 'Ein kurzer temporärer RSA-Schlüssel lässt sich in Stunden faktorisieren.',
  'checks.freak.cure': 'Entfernen Sie die Export-Suites.',
  'checks.downgrade.title': 'Downgrade-Schutz',
  'checks.downgrade.why': 'Ein Angreifer darf einen Client nicht auf eine ältere Version drängen können.',
  'checks.downgrade.cure':
    'Aktualisieren Sie die TLS-Bibliothek: Sie muss Downgrades kennzeichnen und TLS_FALLBACK_SCSV kennen.',
  'checks.renegotiation.title': 'Neuaushandlung',
  'checks.renegotiation.why':
    'Ist eine Neuaushandlung nicht an die Verbindung gebunden, kann ein Angreifer Daten einschleusen (RFC 5746).',
  'checks.renegotiation.cure':
    'Aktualisieren Sie die TLS-Bibliothek, und verbieten Sie Neuaushandlungen durch Clients.',
  'checks.compression.title': 'TLS-Kompression',
  'checks.compression.why': 'Kompression verrät Geheimnisse durch die Länge der Datensätze (CRIME).',
  'checks.compression.cure': 'Schalten Sie die TLS-Kompression ab.',
  'checks.cbc-padding.title': 'CBC-Padding',
  'checks.cbc-padding.why': 'Hängt die Antwort vom Padding ab, kann ein Angreifer Datensätze entschlüsseln (POODLE).',
  'checks.cbc-padding.cure': 'Aktualisieren Sie die TLS-Bibliothek, oder entfernen Sie CBC-Suites.',
  'checks.robot.title': 'ROBOT',
  'checks.robot.why':
    'Hängt die Antwort vom RSA-Padding ab, kann ein Angreifer aufgezeichnete Sitzungen entschlüsseln.',
  'checks.robot.cure': 'Aktualisieren Sie die TLS-Bibliothek, oder entfernen Sie Suites mit RSA-Schlüsselaustausch.',
  'checks.heartbleed.title': 'Heartbleed',
  'checks.heartbleed.why': 'Ein Server mit dieser Lücke sendet Teile seines Speichers, auch Schlüssel (CVE-2014-0160).',
  'checks.heartbleed.cure':
    'Aktualisieren Sie OpenSSL, ersetzen Sie Schlüssel und Zertifikat, und ändern Sie Kennwörter.',
  'checks.ccs-injection.title': 'frühes ChangeCipherSpec',
  'checks.ccs-injection.why':
    'Mit dieser Lücke bestimmt ein Angreifer dazwischen die Schlüssel der Sitzung (CVE-2014-0224).',
  'checks.ccs-injection.cure': 'Aktualisieren Sie OpenSSL.',
  'checks.resumption.title': 'Sitzungswiederaufnahme',
  'checks.resumption.why':
    'Bei der Wiederaufnahme sieht ein Client kein Zertifikat. Er darf nicht bei einem anderen Namen landen.',
  'checks.resumption.cure': 'Geben Sie jedem Zertifikat eigene Schlüssel für Tickets.',
  'checks.cross-port-resumption.title': 'Wiederaufnahme über Ports',
  'checks.cross-port-resumption.why':
    'Nimmt ein Port Sitzungen eines anderen mit anderem Zertifikat an, kann ein Angreifer Clients umleiten.',
  'checks.cross-port-resumption.cure':
    'Geben Sie Servern mit verschiedenen Zertifikaten verschiedene Schlüssel für Tickets.',
  'checks.secure-channel.title': 'sicherer Kanal erforderlich',
  'checks.secure-channel.why': 'Mit dieser Einstellung darf vor TLS nur STARTTLS angenommen werden.',
  'checks.secure-channel.cure': 'Schalten Sie „Sicheren Kanal verlangen“ des virtuellen Servers ein.',
  'checks.log-on.title': 'Anmeldung im Klartext',
  'checks.log-on.why': 'Ein Kennwort im Klartext kann jeder im Netz mitlesen.',
  'checks.log-on.cure': 'Verlangen Sie einen sicheren Kanal, oder schalten Sie die Standardauthentifizierung ab.',
  'checks.mechanisms.title': 'Anmeldeverfahren',
  'checks.mechanisms.why': 'Clients nutzen, was angekündigt wird. Im Klartext verraten diese Verfahren das Kennwort.',
  'checks.mechanisms.cure': 'Kündigen Sie PLAIN und LOGIN nur unter TLS an.',
  'checks.injection.title': 'STARTTLS-Injektion',
  'checks.injection.why':
    'Befehle, die ein Angreifer hinter STARTTLS anhängt, dürfen nicht als die des Clients gelten (CVE-2011-0411).',
  'checks.injection.cure': 'Aktualisieren Sie den Server: Er muss verwerfen, was vor TLS kam.',
  'checks.stripping.title': 'STARTTLS-Stripping',
  'checks.stripping.why':
    'Ein Angreifer kann STARTTLS aus der Ankündigung entfernen. Das Kennwort muss dann geheim bleiben.',
  'checks.stripping.cure': 'Lehnen Sie Anmeldungen im Klartext ab, oder lassen Sie Clients den TLS-Port nutzen.',
  'checks.state.title': 'Zustand nach STARTTLS',
  'checks.state.why': 'Was ein Angreifer vor TLS gesagt hat, muss vergessen sein (RFC 3207, Abschnitt 4.2).',
  'checks.state.cure': 'Aktualisieren Sie den Server: Er muss nach STARTTLS neu beginnen.',
  'checks.second-starttls.title': 'zweites STARTTLS',
  'checks.second-starttls.why': 'STARTTLS unter TLS bringt Server durcheinander und darf nicht möglich sein.',
  'checks.second-starttls.cure':
    'Aktualisieren Sie den Server: Unter TLS darf er STARTTLS weder ankündigen noch annehmen.',
  'checks.delivery.title': 'Senden und Lesen',
  'checks.delivery.why':
    'Zeigt, dass E-Mails und Artikel vollständig ankommen und nichts unverschlüsselt über die Leitung geht.',
  'checks.delivery.cure': 'Prüfen Sie das Konto und sein Kennwort, und lesen Sie den Mitschnitt der Sitzung.',
} satisfies Texts<'checks'>
