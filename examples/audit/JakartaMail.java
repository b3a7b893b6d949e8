// sealpost audit --protocol smtp pop3 imap4 -- java -cp JARS -Djdk.net.hosts.file={hostsFile} examples/audit/JakartaMail.java
// JARS: jakarta-mail.jar and jakarta-activation.jar. With AUDIT_DEFAULTS=1 it does not ask for the check of the host name.
import jakarta.mail.Folder;
import jakarta.mail.Message;
import jakarta.mail.Session;
import jakarta.mail.Store;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Properties;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class JakartaMail {
    public static void main(String[] arguments) throws Exception {
        String protocol = switch (env("PROTOCOL")) {
            case "imap4" -> "imap";
            case "pop3" -> "pop3";
            default -> "smtp";
        };
        boolean implicit = env("FORM").equals("implicit");
        String prefix = "mail." + protocol + ".";
        Properties properties = new Properties();
        properties.put(prefix + "ssl.enable", "" + implicit);
        properties.put(prefix + "starttls.enable", "" + !implicit);
        properties.put(prefix + "starttls.required", "" + !implicit);
        if (System.getenv("AUDIT_DEFAULTS") == null) properties.put(prefix + "ssl.checkserveridentity", "true");
        properties.put(prefix + "ssl.socketFactory", trusting(env("CA_FILE")).getSocketFactory());
        for (String name : new String[] {"timeout", "connectiontimeout"}) properties.put(prefix + name, "8000");
        properties.put("mail.smtp.auth", "true");
        Session session = Session.getInstance(properties);
        if (protocol.equals("smtp")) send(session);
        else read(session, protocol);
    }

    private static void send(Session session) throws Exception {
        MimeMessage message = new MimeMessage(session);
        message.setFrom(new InternetAddress("alice@lab.test"));
        message.setRecipient(Message.RecipientType.TO, new InternetAddress("alice@lab.test"));
        message.setSubject("audit");
        message.setText("hello");
        try (Transport transport = session.getTransport("smtp")) {
            transport.connect(env("HOST"), port(), env("USER"), env("PASSWORD"));
            transport.sendMessage(message, message.getAllRecipients());
        }
    }

    private static void read(Session session, String protocol) throws Exception {
        try (Store store = session.getStore(protocol)) {
            store.connect(env("HOST"), port(), env("USER"), env("PASSWORD"));
            Folder inbox = store.getFolder("INBOX");
            inbox.open(Folder.READ_ONLY);
            inbox.getMessageCount();
        }
    }

    private static SSLContext trusting(String caFile) throws Exception {
        KeyStore roots = KeyStore.getInstance(KeyStore.getDefaultType());
        roots.load(null);
        try (FileInputStream file = new FileInputStream(caFile)) {
            for (Certificate root : CertificateFactory.getInstance("X.509").generateCertificates(file))
                roots.setCertificateEntry("root-" + roots.size(), root);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(roots);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, factory.getTrustManagers(), null);
        return context;
    }

    private static int port() {
        return Integer.parseInt(env("PORT"));
    }

    private static String env(String name) {
        return System.getenv("AUDIT_" + name);
    }
}
