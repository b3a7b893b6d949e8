package sealpost;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** A message. Its parts are read at their first use. */
public final class Mail {
    private final Http http;
    private final String path;
    private final Api.MessageSummary facts;
    private Api.Message whole;

    Mail(Http http, Api.MessageSummary facts) {
        this.http = http;
        this.path = "/messages/" + Http.encoded(facts.id());
        this.facts = facts;
    }

    /** Returns what a list of the HTTP API shows: id, dates, flags, folder … */
    public Api.MessageSummary facts() { return facts; }
    /** Returns the decoded subject. */
    public String subject() { return facts.subject(); }
    /** Returns the address in the From field, or else that of MAIL FROM. */
    public String from() { return facts.from() != null ? facts.from().address() : facts.envelope() == null ? "" : facts.envelope().from(); }
    /** Returns the addresses of the To field. */
    public List<String> to() { return facts.to().stream().map(Api.Address::address).toList(); }
    /** Returns the addresses of RCPT TO, also of Bcc. */
    public List<String> recipients() { return facts.envelope() == null ? List.of() : facts.envelope().to(); }
    /** Returns the text; of a very long one, its beginning (262,144 characters). */
    public String text() { return whole().text(); }
    /** Returns the links of the HTML, then those only in the text. */
    public List<Api.MessageLink> links() { return whole().links(); }
    /** Returns the likely one-time codes, the most likely first. */
    public List<String> codes() { return whole().codes(); }
    /** Returns the attached files and embedded images. */
    public List<Api.Attachment> attachments() { return whole().attachments(); }
    /** Returns everything else: the images, the event of an invitation, the authentication … */
    public Api.Message whole() {
        if (whole == null) whole = http.get(path, Api.Message.class);
        return whole;
    }

    /** Returns the target of the first link whose words contain a text. @throws AssertionError that lists the links */
    public String link(String words) {
        return links().stream().filter(one -> one.text().toLowerCase().contains(words.toLowerCase())).findFirst()
            .map(Api.MessageLink::href).orElseThrow(() -> new AssertionError("no link has the words " + words + "; the links are: " + links()));
    }

    /** Returns the decoded content of an attachment. */
    public byte[] content(Api.Attachment attachment) { return http.send("GET", path + "/parts/" + attachment.part(), null); }

    /** Returns the HTML as it was sent, or null. */
    public String html() {
        return whole().hasHtml() ? new String(http.send("GET", path + "/html?source=true", null), StandardCharsets.UTF_8) : null;
    }

    /** Returns the decoded header fields, in their order. */
    public List<Api.MimeHeader> headers() { return http.get(path + "/headers", Api.Mime.class).headers(); }
    /** Returns the first header field with this name, in any case, or null. */
    public String header(String name) {
        return headers().stream().filter(one -> one.name().equalsIgnoreCase(name)).map(Api.MimeHeader::value).findFirst().orElse(null);
    }

    /** Returns the message as it was received. */
    public byte[] raw() { return http.send("GET", path + "/raw", null); }

    /** Returns the session that delivered the message, with its TLS facts, or null. */
    public Api.Session session() {
        return facts.session() == null ? null : http.get("/sessions/" + Http.encoded(facts.session()), Api.Session.class);
    }

    /** Returns what is wrong with the message: HTML support, links, accessibility, spam … */
    public List<Api.Finding> checks() { return http.list(path + "/checks", Api.Finding[].class); }
    /** Unsubscribes by one click (RFC 8058): the lab sends the POST. Returns the answer of the server. */
    public Api.UnsubscribeAnswer unsubscribe() { return http.send("POST", path + "/unsubscribe", Map.of(), Api.UnsubscribeAnswer.class); }

    @Override public String toString() { return "\"" + subject() + "\" from " + from() + " to " + recipients(); }
}
