import jakarta.mail.*;
import jakarta.mail.internet.*;
import jakarta.mail.search.*;
import java.util.*;

/** Sends and reads mail with Jakarta Mail. Arguments: ports of SMTP, IMAPS and POP3S, mechanism. The JVM trusts the root of the lab. */
public class Mail {
    static void check(String what, boolean isRight) {
        if (!isRight) throw new IllegalStateException("failed: " + what);
    }

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put("mail.smtp.host", "localhost");
        settings.put("mail.smtp.port", args[0]);
        settings.put("mail.smtp.starttls.required", "true");
        settings.put("mail.smtp.ssl.checkserveridentity", "true");
        settings.put("mail.smtp.auth", "true");
        settings.put("mail.smtp.auth.mechanisms", args[3]);
        settings.put("mail.imaps.ssl.checkserveridentity", "true");
        settings.put("mail.imaps.auth.mechanisms", args[3]);
        settings.put("mail.pop3s.ssl.checkserveridentity", "true");
        Session session = Session.getInstance(settings);

        MimeMessage message = new MimeMessage(session);
        message.setFrom("alice@lab.test");
        message.setRecipients(Message.RecipientType.TO, "bob@lab.test");
        message.setSubject("From Java \u00fc", "UTF-8");
        MimeMultipart parts = new MimeMultipart();
        MimeBodyPart text = new MimeBodyPart();
        text.setText("Gr\u00fc\u00dfe", "UTF-8");
        parts.addBodyPart(text);
        MimeBodyPart file = new MimeBodyPart();
        file.setText("attached");
        file.setFileName("a.txt");
        parts.addBodyPart(file);
        message.setContent(parts);
        Transport.send(message, "alice", "secret");

        Store store = session.getStore("imaps");
        store.connect("localhost", Integer.parseInt(args[1]), "bob", "geheim");
        Folder inbox = store.getFolder("INBOX");
        inbox.open(Folder.READ_WRITE);
        Message[] found = inbox.search(new SubjectTerm("From Java"));
        check("search", found.length == 1);
        inbox.fetch(found, new FetchProfile() {{ add(FetchProfile.Item.ENVELOPE); add(FetchProfile.Item.CONTENT_INFO); }});
        check("subject", found[0].getSubject().equals("From Java \u00fc"));
        Multipart read = (Multipart) found[0].getContent();
        check("text", read.getBodyPart(0).getContent().toString().trim().equals("Gr\u00fc\u00dfe"));
        check("file", read.getBodyPart(1).getFileName().equals("a.txt"));
        found[0].setFlag(Flags.Flag.FLAGGED, true);
        Folder sub = store.getFolder("a/b/c");
        check("create", sub.create(Folder.HOLDS_MESSAGES | Folder.HOLDS_FOLDERS));
        check("superior", store.getFolder("a").exists() && store.getFolder("a/b").exists());
        inbox.copyMessages(found, sub);
        check("copied", sub.getMessageCount() == 1);
        check("rename to a taken name", !sub.renameTo(store.getFolder("a")));
        check("delete", store.getFolder("a/b").delete(true));
        check("superior stays", store.getFolder("a").exists());
        check("delete all", store.getFolder("a").delete(true));
        found[0].setFlag(Flags.Flag.DELETED, true);
        check("expunge", inbox.expunge().length == 1);
        inbox.appendMessages(new Message[] { message });
        inbox.close(false);
        store.close();

        Store pop = session.getStore("pop3s");
        pop.connect("localhost", Integer.parseInt(args[2]), "bob", "geheim");
        Folder box = pop.getFolder("INBOX");
        box.open(Folder.READ_WRITE);
        Message last = box.getMessage(box.getMessageCount());
        check("POP3", last.getSubject().equals("From Java \u00fc"));
        last.setFlag(Flags.Flag.DELETED, true);
        box.close(true);
        pop.close();
        System.out.println("done");
    }
}
