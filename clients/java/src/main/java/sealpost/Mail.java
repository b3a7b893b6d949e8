package sealpost;

import java.nio.charset.StandardCharsets;
import java.util.AbstractMap.SimpleEntry;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

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
    public String from() { return senderOf(facts); }
    /** Returns the addresses of the To field. */
    public List<String> to() { return facts.to().stream().map(Api.Address::address).collect(Collectors.toList()); }
    /** Returns the addresses of RCPT TO, also of Bcc. */
    public List<String> recipients() { return facts.envelope() == null ? List.of() : facts.envelope().to(); }
    /** Returns the text; of a very long one, its beginning (262,144 characters). */
    public String text() { return whole().text(); }
    /** Returns the links of the HTML, then those only in the text. */
    public List<Api.MessageLink> links() { return whole().links(); }
    /** Returns the images that the HTML shows. */
    public List<Api.MessageImage> images() { return whole().images(); }
    /** Returns the event of an invitation, or null. */
    public Api.CalendarEvent event() { return whole().event(); }
    /** Returns the likely one-time codes, the most likely first. */
    public List<String> codes() { return whole().codes(); }
    /** Returns the attached files and embedded images. */
    public List<Api.Attachment> attachments() { return whole().attachments(); }
    /** Returns SPF, DKIM, DMARC, ARC and BIMI, or null if the lab does not check them. */
    public Api.MessageAuthentication authentication() { return whole().authentication(); }

    /** Returns the target of the first link whose words contain a text. @throws AssertionError that lists the links */
    public String link(String words) {
        return links().stream().filter(one -> one.text().toLowerCase().contains(words.toLowerCase())).findFirst()
            .map(Api.MessageLink::href).orElseThrow(() -> new AssertionError("no link has the words " + words + "; the links are: " + links()));
    }

    /** Returns the decoded content of an attachment. */
    public byte[] content(Api.Attachment attachment) {
        var found = http.get(path + "/parts/" + attachment.part());
        return found == null ? new byte[0] : (byte[]) found;
    }

    /** Returns the HTML as it was sent, or null. */
    public String html() {
        if (!whole().hasHtml()) return null;
        var octets = (byte[]) http.send("GET", path + "/html", Map.of("source", true), null);
        return octets == null ? "" : new String(octets, StandardCharsets.UTF_8);
    }

    /** Returns the decoded header fields, in their order. */
    public List<Map.Entry<String, String>> headers() {
        var fields = ((Map<?, ?>) http.get(path + "/headers")).get("headers");
        return JsonView.list(fields, one -> new SimpleEntry<>((String) ((Map<?, ?>) one).get("name"), (String) ((Map<?, ?>) one).get("value")));
    }

    /** Returns the first header field with this name, in any case, or null. */
    public String header(String name) {
        return headers().stream().filter(one -> one.getKey().equalsIgnoreCase(name)).map(Map.Entry::getValue).findFirst().orElse(null);
    }

    /** Returns the message as it was received. */
    public byte[] raw() { return (byte[]) http.get(path + "/raw"); }

    /** Returns the session that delivered the message, with its TLS facts, or null. */
    public Api.Session session() {
        return facts.session() == null ? null : new Api.Session(http.get("/sessions/" + Http.encoded(facts.session())));
    }

    /** Returns what is wrong with the message: HTML support, links, accessibility, spam … */
    public List<Api.Finding> checks() { return JsonView.list(((Map<?, ?>) http.get(path + "/checks")).get("items"), Api.Finding::new); }

    /** Unsubscribes by one click (RFC 8058): the lab sends the POST. Returns the answer of the server. */
    public Api.UnsubscribeAnswer unsubscribe() {
        return new Api.UnsubscribeAnswer(http.send("POST", path + "/unsubscribe", Map.of(), Map.of()));
    }

    static String senderOf(Api.MessageSummary facts) {
        if (facts.from() != null) return facts.from().address();
        return facts.envelope() == null ? "" : facts.envelope().from();
    }

    private Api.Message whole() {
        if (whole == null) whole = new Api.Message(http.get(path));
        return whole;
    }

    @Override public String toString() { return "\"" + subject() + "\" from " + from() + " to " + recipients(); }
}
