package sealpost;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A client of a running lab. */
public final class Lab implements AutoCloseable {
    private final String url;
    private final Http http;
    private final IntUnaryOperator portOf;
    private final Runnable stop;
    /** Undoes the changes of the lab, the last first. */
    private final Deque<Runnable> undo = new ArrayDeque<>();
    private final LabClock clock;

    Lab(String url, String token, IntUnaryOperator portOf, Runnable stop) {
        this.url = url;
        if (host() == null) throw new IllegalArgumentException(url + " is no URL of a lab; write it like http://localhost:8025");
        this.http = new Http(url, token);
        this.portOf = portOf;
        this.stop = stop;
        this.clock = new LabClock(http, undo);
    }

    /** Returns a client of the lab at SEALPOST_URL, or else http://localhost:8025, with the token SEALPOST_TOKEN. */
    public static Lab connect() {
        return connect(isNamed() ? System.getenv("SEALPOST_URL") : "http://localhost:8025", System.getenv("SEALPOST_TOKEN"));
    }

    static boolean isNamed() { return !System.getenv().getOrDefault("SEALPOST_URL", "").isEmpty(); }

    /** Returns a client of a running lab. @param token null if the lab needs none */
    public static Lab connect(String url, String token) { return connect(url, token, port -> port); }

    /** Returns a client of a lab in a container. @param portOf returns the port of the host for one of the container */
    public static Lab connect(String url, String token, IntUnaryOperator portOf) { return new Lab(url, token, portOf, null); }

    /** Starts a lab as a process, on free ports, and returns when it is ready. @throws LabException with the end of its log */
    public static Lab start() { return start("{}"); }

    /** Starts a lab with a configuration. @param config JSON with the keys of the YAML file */
    public static Lab start(String config) { return LabProcess.start(config); }

    /** Returns the URL of the HTTP virtual server. */
    public String url() { return url; }
    /** Returns the host of the lab. */
    public String host() { return URI.create(url).getHost(); }
    /** Returns the clock of the lab. */
    public LabClock clock() { return clock; }

    /** Waits for a message to an address or account, at most 10 seconds. */
    public Mail waitForMessage(String to) { return waitForMessage(new Api.MessageFilter().to(to)); }

    /**
     * Waits for a message that matches, and that no earlier wait has returned. It may have arrived before.
     * @throws WaitTimeout after the `timeout` of the filter (default: 10s), with what arrived instead
     */
    public Mail waitForMessage(Api.MessageFilter filter) {
        var body = new LinkedHashMap<String, Object>(Map.of("timeout", "10s"));
        body.putAll(filter.json);
        return new Mail(http, new Api.MessageSummary(http.send("POST", "/wait", Map.of(), body)));
    }

    /** Checks that no mail was sent since the start or the last reset, also none that was refused. */
    public void assertNothingSent() { assertNothingSent(new Api.MessageFilter()); }

    /**
     * Checks that no mail that matches was delivered. Waits until no client is about to send, at most the `timeout` of the filter
     * (default: 2s). Await the program under test first.
     * @throws AssertionError that lists what was sent
     * @throws WaitTimeout if a client does not finish
     */
    public void assertNothingSent(Api.MessageFilter filter) { http.send("POST", "/assert-nothing-sent", Map.of(), filter); }

    /** Returns the newest messages that a search finds; all with an empty text. A wait can still return them. */
    public List<Mail> messages(String query) {
        return items("/messages", query.isEmpty() ? Map.of() : Map.of("query", query)).stream()
            .map(one -> new Mail(http, new Api.MessageSummary(one))).collect(Collectors.toList());
    }

    /** Delivers a message without SMTP, for example for a test of a program that reads mail. */
    public void deliver(byte[] message, String... to) {
        http.send("POST", "/messages/import", Map.of("to", String.join(",", to)), message);
    }

    /** Returns the sessions of a protocol, the newest first. `refusals` says why commands and handshakes were refused. */
    public List<Api.Session> sessions(String protocol) {
        return JsonView.list(items("/sessions", Map.of("protocol", protocol)), Api.Session::new);
    }

    public List<Server> servers() {
        return JsonView.list(items("/virtual-servers", Map.of()), one -> new Server(new Api.VirtualServer(one), host(), portOf));
    }

    /** Returns the first virtual server with this protocol, name or id. @throws LabException that lists them */
    public Server server(String which) {
        var known = servers();
        return known.stream().filter(one -> List.of(one.protocol(), one.name(), one.id()).contains(which)).findFirst()
            .orElseThrow(() -> new LabException("there is no virtual server " + which + "; there are: "
                + known.stream().map(one -> one.protocol() + " (" + one.name() + ")").collect(Collectors.joining(", ")), null));
    }

    /** Returns the first SMTP virtual server. @throws LabException if there is none */
    public Server smtp() { return server("smtp"); }
    /** Returns the first POP3 virtual server. @throws LabException if there is none */
    public Server pop3() { return server("pop3"); }
    /** Returns the first IMAP4 virtual server. @throws LabException if there is none */
    public Server imap4() { return server("imap4"); }
    /** Returns the first NNTP virtual server. @throws LabException if there is none */
    public Server nntp() { return server("nntp"); }

    /** Returns the root certificates of the lab in PEM. */
    public String rootPem() { return new String((byte[]) http.get("/authorities/roots"), StandardCharsets.US_ASCII); }

    /** Returns a store with the root certificates of the lab, to trust. */
    public KeyStore trustStore() {
        try {
            var store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            var pem = new ByteArrayInputStream(rootPem().getBytes(StandardCharsets.US_ASCII));
            for (var one : CertificateFactory.getInstance("X.509").generateCertificates(pem))
                store.setCertificateEntry("lab-" + store.size(), one);
            return store;
        } catch (GeneralSecurityException | IOException error) {
            throw new LabException("the roots of the lab cannot be read: " + error, error);
        }
    }

    /** Returns a context that trusts the roots of the lab. The client has to check host names, as with every context. */
    public SSLContext sslContext() {
        try {
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trustStore());
            var context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException error) {
            throw new LabException("the roots of the lab cannot be used: " + error, error);
        }
    }

    /** Adds a fault, until it is closed, or a reset. */
    public Fault addFault(Api.NewFault wanted) {
        var fault = new Fault(http, new Api.Fault(http.send("POST", "/faults", Map.of(), wanted)));
        undo.push(fault::close);
        return fault;
    }

    /** Returns all faults, those of the configuration included. */
    public List<Api.Fault> faults() { return JsonView.list(items("/faults", Map.of()), Api.Fault::new); }

    /** Serves a certificate with a defect from the next handshake on, until a reset. @see Api.CertificateDefect */
    public void useDefect(String server, String defect) { setCertificate(server, Map.of("defect", defect)); }

    /** Serves a good certificate of an unusual kind, until a reset. @see Api.CertificateVariant */
    public void useVariant(String server, String variant) { setCertificate(server, Map.of("variant", variant)); }

    /** Serves a certificate of the store, by its friendly name, or `auto`, until a reset. */
    public void useCertificate(String server, String name) { setCertificate(server, name); }

    private void setCertificate(String which, Object setting) {
        var server = server(which);
        var configuration = (Map<?, ?>) ((Map<?, ?>) http.get("/configuration")).get("configuration");
        var before = ((List<?>) configuration.get("virtualServers")).stream().map(one -> (Map<?, ?>) one)
            .filter(one -> server.name().equals(one.get("name"))).findFirst().orElseThrow().get("certificate");
        undo.push(() -> changeCertificate(server, "auto".equals(before) ? null : before));
        changeCertificate(server, setting);
    }

    /** A merge patch (RFC 7396): null removes the key. */
    private void changeCertificate(Server server, Object setting) {
        var change = new LinkedHashMap<String, Object>();
        change.put("certificate", setting);
        http.send("PATCH", "/virtual-servers/" + Http.encoded(server.id()), Map.of(), change);
    }

    /** Issues a certificate that the server uses from now on, also after a reset. Returns its friendly name. */
    public String issueCertificate(Api.NewCertificate wanted) {
        var answer = (Map<?, ?>) http.send("POST", "/certificates", Map.of(), wanted);
        if ("issued".equals(answer.get("state"))) return (String) answer.get("friendlyName");
        throw new LabException("the authority " + answer.get("authority") + " has not issued the certificate yet", null);
    }

    /** Returns the certificates in the store of the lab. */
    public List<Api.Certificate> certificates() { return JsonView.list(items("/certificates", Map.of()), Api.Certificate::new); }

    /** Deletes messages, sessions and faults, and returns the clock and the certificates to the state before the tests. */
    public void reset() {
        http.send("POST", "/reset", Map.of(), Map.of());
        undoAll();
    }

    /** Sends a request to any other operation: parsed JSON, octets, or null. @param body null, or what becomes JSON */
    public Object request(String method, String path, Object body) { return http.send(method, path, Map.of(), body); }

    private List<?> items(String path, Map<String, ?> query) {
        return (List<?>) ((Map<?, ?>) http.send("GET", path, query, null)).get("items");
    }

    private void undoAll() {
        LabException first = null;
        while (!undo.isEmpty()) {
            try {
                undo.pop().run();
            } catch (LabException error) {
                if (first == null) first = error;
                else first.addSuppressed(error);
            }
        }
        if (first != null) throw first;
    }

    /** Stops the lab if this program has started it. Otherwise removes the faults and restores clock and certificates. */
    @Override public void close() {
        if (stop == null) undoAll();
        else stop.run();
    }
}
