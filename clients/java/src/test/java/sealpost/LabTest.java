package sealpost;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.Message.RecipientType;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The client against a real lab. Jakarta Mail sends, with verified STARTTLS. */
@SealpostLab
class LabTest {
    private static final Api.NewFaultDo LATER = new Api.NewFaultDo().reply("451 4.7.1 Later");
    private final Lab lab;

    LabTest(Lab lab) { this.lab = lab; }

    private MimeMessage message(String to, String subject, String text) throws MessagingException {
        var settings = new Properties();
        settings.putAll(Map.of("mail.smtp.host", lab.smtp().host(), "mail.smtp.port", "" + lab.smtp().port(),
            "mail.smtp.starttls.required", "true", "mail.smtp.ssl.checkserveridentity", "true",
            "mail.smtp.ssl.socketFactory", lab.sslContext().getSocketFactory()));
        var message = new MimeMessage(Session.getInstance(settings));
        message.setFrom("shop@lab.test");
        message.setRecipients(RecipientType.TO, to);
        message.setSubject(subject);
        message.setText(text);
        return message;
    }

    private void send(String subject) throws MessagingException {
        Transport.send(message("you@example.com", subject, "Your code is 123456."), "alice", "secret");
    }

    @Nested class Within {
        @Test void hasTheLabOfTheClassAroundIt(Lab same) {
            assertEquals(lab.url(), same.url());
        }
    }

    @Test void readsEmptyHtml() {
        lab.deliver("Subject: Empty\r\nContent-Type: text/html\r\n\r\n".getBytes(StandardCharsets.UTF_8), "carol");
        assertEquals("", lab.waitForMessage(new Api.MessageFilter().subject("Empty")).html());
    }

    @Test void readsAMessageWhole() throws Exception {
        var html = "<p>Größe: <a href=\"https://shop.example/confirm?t=1\">Confirm</a></p>";
        var message = message("you@example.com", "Your code", "");
        var text = new MimeBodyPart();
        text.setText("Your code is 123456.");
        var other = new MimeBodyPart();
        other.setContent(html, "text/html; charset=utf-8");
        var body = new MimeBodyPart();
        body.setContent(new MimeMultipart("alternative", text, other));
        var file = new MimeBodyPart();
        file.setFileName("list.csv");
        file.setContent("a;b", "text/csv");
        message.setContent(new MimeMultipart(body, file));
        message.setHeader("X-Order", "=?utf-8?q?Gr=C3=B6=C3=9Fe_42?=");
        Transport.send(message, "alice", "secret");

        var mail = lab.waitForMessage("you@example.com");
        assertEquals(List.of("Your code", "shop@lab.test"), List.of(mail.subject(), mail.from()));
        assertEquals(List.of(List.of("you@example.com"), List.of("you@example.com")), List.of(mail.to(), mail.recipients()));
        assertTrue(mail.text().contains("123456"));
        assertEquals(html, mail.html().strip());
        assertEquals(List.of("123456"), mail.codes());
        assertEquals("https://shop.example/confirm?t=1", mail.link("confirm"));
        assertEquals("Confirm", mail.links().get(0).text());
        assertTrue(assertThrows(AssertionError.class, () -> mail.link("Reject")).getMessage().contains("shop.example"));
        assertNull(mail.whole().event());
        var attachment = mail.attachments().get(0);
        assertEquals(List.of("list.csv", "text/csv", 3L), List.of(attachment.filename(), attachment.contentType(), attachment.sizeOctets()));
        assertArrayEquals("a;b".getBytes(), mail.content(attachment));
        assertEquals("Größe 42", mail.header("x-order"));
        assertNull(mail.header("x-none"));
        assertTrue(new String(mail.raw(), StandardCharsets.US_ASCII).contains("Subject: Your code\r\n"));
        assertTrue(mail.checks().stream().anyMatch(one -> one.check().equals("accessibility")));
        assertEquals(List.of("alice", "TLSv1.3"), List.of(mail.session().user(), mail.session().tls().version()));
    }

    static Stream<Api.MessageFilter> filters() {
        return Stream.of(new Api.MessageFilter(), new Api.MessageFilter().to("you@example.com"), new Api.MessageFilter().from("shop@"),
            new Api.MessageFilter().subject("code").text("is 123456"), new Api.MessageFilter().query("from:shop subject:code"),
            new Api.MessageFilter().captured(true).since("2020-01-01T00:00:00Z").timeout("5s"));
    }

    @ParameterizedTest @MethodSource("filters") void filtersMessages(Api.MessageFilter filter) throws Exception {
        send("Your code");
        assertEquals(List.of("123456"), lab.waitForMessage(filter).codes());
        assertNull(lab.messages("").get(0).html());
    }

    @Test void returnsEachMessageOnce() throws Exception {
        send("Mail 1");
        send("Mail 2");
        assertEquals("Mail 1", lab.waitForMessage("you@example.com").subject());
        assertEquals("Mail 2", lab.waitForMessage("you@example.com").subject());
        assertEquals(List.of("Mail 2", "Mail 1"), lab.messages("subject:mail").stream().map(Mail::subject).toList());
    }

    @Test void aTimeoutSaysWhatArrivedAndWhoWasRefused() throws Exception {
        send("Another");
        lab.addFault(new Api.NewFault().when(new Api.NewFaultWhen().verb("RCPT")).do_(LATER));
        assertThrows(SendFailedException.class, () -> send("Your code"));
        var error = assertThrows(WaitTimeout.class, () -> lab.waitForMessage(new Api.MessageFilter().to("nobody@example.com").timeout("10ms")));
        for (var part : List.of("no message with to \"nobody@example.com\"", "arrived: \"Another\" from shop@lab.test to you@example.com", "451 4.7.1 Later"))
            assertTrue(error.getMessage().contains(part), error.getMessage());
        assertTrue(error.getStackTrace()[0].getClassName().equals("sealpost.LabTest"), error.getStackTrace()[0].toString());
    }

    @Test void refusesFiltersThatWouldMatchAnyMessage() throws Exception {
        send("Your code");
        assertThrows(NullPointerException.class, () -> lab.waitForMessage((String) null));
        var error = assertThrows(LabException.class, () -> lab.waitForMessage(new Api.MessageFilter().subject("")));
        assertTrue(error.getMessage().contains("subject is empty"), error.getMessage());
    }

    @Test void assertsThatNothingWasSent() throws Exception {
        lab.assertNothingSent();
        send("Your code");
        var error = assertThrows(AssertionError.class, () -> lab.assertNothingSent(new Api.MessageFilter().to("you@example.com")));
        assertTrue(error.getMessage().contains("arrived: \"Your code\" from shop@lab.test to you@example.com"), error.getMessage());
        lab.assertNothingSent(new Api.MessageFilter().to("bob@example.com"));
    }

    @Test void faults() throws Exception {
        try (var fault = lab.addFault(new Api.NewFault().when(new Api.NewFaultWhen().verb("RCPT")).do_(LATER).times(1))) {
            assertThrows(SendFailedException.class, () -> send("Your code"));
            send("Your code");
            assertEquals(1, fault.hits());
            assertEquals(1, lab.faults().size());
            fault.close();
        }
        assertEquals(List.of(), lab.faults());
        var wrong = new Api.NewFault().when(new Api.NewFaultWhen().verb("RCTP")).do_(LATER);
        assertTrue(assertThrows(LabException.class, () -> lab.addFault(wrong)).problem.errors().size() > 0);
    }

    @Test void sessionsSayWhyAClientWasRefused() {
        var reply = new Api.NewFaultDo().reply("535 5.7.8 Bad credentials");
        lab.addFault(new Api.NewFault().when(new Api.NewFaultWhen().verb("AUTH")).do_(reply));
        assertThrows(AuthenticationFailedException.class, () -> send("Your code"));
        var refusals = lab.sessions("smtp").get(0).refusals();
        assertTrue(refusals.stream().anyMatch(one -> one.contains("535 5.7.8 Bad credentials")), refusals.toString());
    }

    @Test void clock() throws Exception {
        lab.clock().advance(Duration.ofDays(40));
        assertEquals(40, Duration.between(Instant.now(), lab.clock().now()).plusHours(1).toDays());
        lab.clock().set(Instant.parse("2031-05-01T00:00:00Z"));
        lab.clock().freeze();
        var stopped = lab.clock().now();
        // The clock of the machine goes on.
        Thread.sleep(50);
        assertEquals(stopped, lab.clock().now());
        lab.clock().advance("1d");
        assertEquals(stopped.plus(Duration.ofDays(1)), lab.clock().now());
        lab.clock().resume();
        for (int tries = 0; tries < 6000 && lab.clock().now().equals(stopped.plus(Duration.ofDays(1))); tries++) Thread.sleep(10);
        assertTrue(lab.clock().now().isAfter(stopped.plus(Duration.ofDays(1))));
        assertTrue(lab.clock().now().toString().startsWith("2031-05-02"));
        lab.clock().reset();
        assertEquals(0, Duration.between(Instant.now(), lab.clock().now()).toDays());
    }

    @ParameterizedTest
    @CsvSource({"expired,validity check failed", "wrong-host,Can't verify identity", "untrusted-root,unable to find valid certification path"})
    void badCertificatesUntilTheReset(String defect, String reason) throws Exception {
        lab.useDefect("smtp", defect);
        Throwable error = assertThrows(MessagingException.class, () -> send("Your code"));
        var reasons = new StringBuilder();
        for (; error != null; error = error.getCause()) reasons.append(error.getMessage()).append('\n');
        assertTrue(reasons.toString().contains(reason), reasons.toString());
        lab.reset();
        send("Your code");
    }

    @Test void goodCertificates() throws Exception {
        lab.useVariant("smtp", Api.CertificateVariant.P384);
        send("Your code");
        lab.useCertificate("smtp", "auto");
        var name = lab.issueCertificate(new Api.NewCertificate().for_("smtp").names("mail.shop.test").key("p256").days(30));
        var certificate = lab.certificates().stream().filter(one -> one.friendlyName().equals(name)).findFirst().orElseThrow();
        assertEquals(List.of(lab.smtp().facts().name()), certificate.usedBy());
        assertTrue(certificate.daysLeft() >= 29 && certificate.daysLeft() <= 30, certificate.toString());
        send("Your code");
    }

    @Test void connectionSettings() throws Exception {
        assertEquals(List.of("smtp", "pop3", "imap4", "nntp", "http"), lab.servers().stream().map(one -> one.facts().protocol()).toList());
        var octets = new ByteArrayOutputStream();
        message("alice@lab.test", "Hello", "Hi").writeTo(octets);
        lab.deliver(octets.toByteArray(), "alice");
        var settings = new Properties();
        settings.putAll(Map.of("mail.imaps.ssl.checkserveridentity", "true", "mail.imaps.ssl.socketFactory", lab.sslContext().getSocketFactory()));
        try (var store = Session.getInstance(settings).getStore("imaps")) {
            store.connect(lab.imap4().host(), lab.imap4().tlsPort(), "alice", "secret");
            assertEquals(1, store.getFolder("INBOX").getMessageCount());
        }
        assertEquals(lab.pop3().facts().id(), lab.server(lab.pop3().facts().name()).facts().id());
        var error = assertThrows(LabException.class, () -> lab.server("ftp"));
        assertTrue(error.getMessage().startsWith("there is no virtual server ftp; there are: smtp (Default"), error.getMessage());
    }

    @RepeatedTest(2) void isResetBetweenTests() throws Exception {
        assertEquals(List.of(), lab.messages(""));
        send("Your code");
    }

    @Test void leavesARunningLabAsItWas() {
        var before = lab.smtp().facts().certificate().thumbprint();
        try (var other = Lab.connect(lab.url(), null)) {
            other.addFault(new Api.NewFault().when(new Api.NewFaultWhen().verb("RCPT")).do_(LATER));
            other.useDefect("smtp", Api.CertificateDefect.EXPIRED);
            other.clock().advance("40d");
            assertNotEquals(before, lab.smtp().facts().certificate().thumbprint());
        }
        assertEquals(before, lab.smtp().facts().certificate().thumbprint());
        assertEquals(List.of(), lab.faults());
        assertEquals(0L, lab.request("GET", "/clock", null, Map.class).get("offsetMs"));
    }

    @Test void startsAndStopsALab() {
        var config = "{\"virtualServers\": [{\"protocol\": \"smtp\", \"certificate\": \"none\", \"name\": \"Clear\"}]}";
        var own = Lab.start(config);
        try (own) {
            assertEquals("Clear has no tlsPort", assertThrows(LabException.class, () -> own.smtp().tlsPort()).getMessage());
            assertTrue(Lab.connect(own.url().replace("localhost", "127.0.0.1"), null, port -> port + 1).smtp().port() == own.smtp().port() + 1);
        }
        assertTrue(assertThrows(LabException.class, own::servers).getMessage().contains("cannot be reached"));
    }

    @Test void aLabThatDoesNotStartSaysWhy() {
        var error = assertThrows(LabException.class, () -> Lab.start("{\"hostnam\": \"x\"}"));
        assertTrue(error.getMessage().contains("hostnam: unknown key; did you mean hostname?"), error.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Lab.connect("localhost", null));
        assertTrue(assertThrows(LabException.class, () -> Lab.start("{")).getMessage().contains("YAML"));
    }
}
