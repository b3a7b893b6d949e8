package sealpost;

import com.google.gson.*;
import java.io.*;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.*;
import java.security.cert.CertificateFactory;
import java.time.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.IntUnaryOperator;
import javax.net.ssl.*;

/** A client of a running lab. */
public final class Lab implements AutoCloseable {
    private final String url;
    private final Http http;
    private final IntUnaryOperator portOf;
    private final Runnable stop;
    /** Undoes the changes of the lab, the last first. */
    private final Deque<Runnable> undo = new ArrayDeque<>();
    private final Clock clock = new Clock();

    Lab(String url, String token, IntUnaryOperator portOf, Runnable stop) {
        this.url = url;
        if (host() == null) throw new IllegalArgumentException(url + " is no URL of a lab; write it like http://localhost:8025");
        this.http = new Http(url, token);
        this.portOf = portOf;
        this.stop = stop;
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
    /** Starts a lab as a process, on free ports, and returns when it is ready. @throws LabException with its output */
    public static Lab start() { return start("{}"); }

    /** Starts a lab with a configuration. @param config YAML or JSON with the keys of the YAML file */
    public static Lab start(String config) {
        var words = new ArrayList<>(List.of(System.getenv().getOrDefault("SEALPOST_COMMAND", "npx sealpost").split(" ")));
        if (File.separatorChar == '\\' && words.get(0).equals("npx")) words.set(0, "npx.cmd");
        words.addAll(List.of("start", "--for-tests"));
        var builder = new ProcessBuilder(words).redirectErrorStream(true);
        builder.environment().put("SEALPOST_CONFIG", config);
        try {
            var process = builder.start();
            var limit = CompletableFuture.runAsync(() -> end(process, 0), CompletableFuture.delayedExecutor(60, TimeUnit.SECONDS));
            var output = process.inputReader();
            var printed = new StringBuilder();
            var line = output.readLine();
            for (; line != null && !line.startsWith("{\"event\":\"ready\""); line = output.readLine()) printed.append(line).append('\n');
            limit.cancel(true);
            if (line == null) throw new LabException("the lab was not ready within 60 s, or has ended: " + printed.toString().strip(), null);
            // Reads on, so that the lab can print more.
            var reader = new Thread(() -> output.lines().forEach(one -> {}));
            reader.setDaemon(true);
            reader.start();
            var ready = Http.JSON.fromJson(line, JsonObject.class);
            return new Lab(ready.get("url").getAsString(), ready.get("administratorToken").getAsString(), port -> port, () -> end(process, 30));
        } catch (IOException error) {
            throw new LabException(words.get(0) + " cannot be started: " + error.getMessage() + "; install Sealpost, or set SEALPOST_COMMAND", error);
        }
    }

    /** Ends the input of the lab, which stops it, also if npx has started it, or if this program is killed. */
    private static void end(Process process, int patienceS) {
        new PrintStream(process.getOutputStream()).close();
        process.onExit().completeOnTimeout(null, patienceS, TimeUnit.SECONDS).join();
        process.destroyForcibly();
    }

    /** Returns the URL of the HTTP virtual server. */
    public String url() { return url; }
    /** Returns the host of the lab. */
    public String host() { return URI.create(url).getHost(); }
    /** Returns the clock of the lab. */
    public Clock clock() { return clock; }
    /** Waits for a message to an address or account, at most 10 seconds. */
    public Mail waitForMessage(String to) { return waitForMessage(new Api.MessageFilter().to(to)); }

    /** Waits for a message that no earlier wait has returned, at most the `timeout` of the filter (10s). @throws WaitTimeout */
    public Mail waitForMessage(Api.MessageFilter filter) {
        var body = Http.JSON.toJsonTree(filter).getAsJsonObject();
        if (!body.has("timeout")) body.addProperty("timeout", "10s");
        return new Mail(http, http.send("POST", "/wait", body, Api.MessageSummary.class));
    }

    /** Checks that no mail was sent since the start or the last reset, also none that was refused. */
    public void assertNothingSent() { assertNothingSent(new Api.MessageFilter()); }

    /** Checks that no mail that matches was delivered, once no client is about to send. @throws AssertionError that lists it */
    public void assertNothingSent(Api.MessageFilter filter) { http.send("POST", "/assert-nothing-sent", filter); }

    /** Returns the newest messages that a search finds; all with an empty text. A wait can still return them. */
    public List<Mail> messages(String query) {
        var path = "/messages" + (query.isEmpty() ? "" : "?query=" + Http.encoded(query));
        return http.list(path, Api.MessageSummary[].class).stream().map(one -> new Mail(http, one)).toList();
    }

    /** Delivers a message without SMTP, for example for a test of a program that reads mail. */
    public void deliver(byte[] message, String... to) { http.send("POST", "/messages/import?to=" + Http.encoded(String.join(",", to)), message); }

    /** Returns the sessions of a protocol, the newest first. `refusals` says why commands and handshakes were refused. */
    public List<Api.Session> sessions(String protocol) { return http.list("/sessions?protocol=" + Http.encoded(protocol), Api.Session[].class); }

    /** Returns all virtual servers. */
    public List<Server> servers() {
        return http.list("/virtual-servers", Api.VirtualServer[].class).stream().map(one -> new Server(one, host(), portOf)).toList();
    }

    /** Returns the first virtual server with this protocol, name or id. @throws LabException that lists them */
    public Server server(String which) {
        return new Server(http.get("/virtual-servers/" + Http.encoded(which), Api.VirtualServer.class), host(), portOf);
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
    public String rootPem() { return new String(http.send("GET", "/authorities/roots", null), StandardCharsets.US_ASCII); }

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
        var fault = new Fault(http.send("POST", "/faults", wanted, Api.Fault.class).id());
        undo.push(fault::close);
        return fault;
    }

    /** Returns all faults, those of the configuration included. */
    public List<Api.Fault> faults() { return http.list("/faults", Api.Fault[].class); }
    /** Serves a certificate with a defect from the next handshake on, until a reset. @see Api.CertificateDefect */
    public void useDefect(String server, String defect) { setCertificate(server, Map.of("defect", defect)); }
    /** Serves a good certificate of an unusual kind, until a reset. @see Api.CertificateVariant */
    public void useVariant(String server, String variant) { setCertificate(server, Map.of("variant", variant)); }
    /** Serves a certificate of the store, by its friendly name, or `auto`, until a reset. */
    public void useCertificate(String server, String name) { setCertificate(server, name); }

    private void setCertificate(String which, Object setting) {
        var server = server(which);
        for (var one : http.get("/configuration", JsonObject.class).getAsJsonObject("configuration").getAsJsonArray("virtualServers")) {
            var configured = one.getAsJsonObject();
            if (configured.get("name").getAsString().equals(server.facts.name()))
                undo.push(() -> patch(server, configured.get("certificate")));
        }
        patch(server, Http.JSON.toJsonTree(setting));
    }

    private void patch(Server server, JsonElement certificate) {
        var change = new JsonObject();
        // A merge patch removes a key that is null (RFC 7396).
        change.add("certificate", certificate.toString().equals("\"auto\"") ? JsonNull.INSTANCE : certificate);
        http.send("PATCH", "/virtual-servers/" + server.facts.id(), change);
    }

    /** Issues a certificate that the server uses from now on, also after a reset. Returns its friendly name. */
    public String issueCertificate(Api.NewCertificate wanted) {
        var answer = http.send("POST", "/certificates", wanted, JsonObject.class);
        if (answer.has("friendlyName")) return answer.get("friendlyName").getAsString();
        throw new LabException("the authority has not issued the certificate yet: " + answer, null);
    }

    /** Returns the certificates in the store of the lab. */
    public List<Api.Certificate> certificates() { return http.list("/certificates", Api.Certificate[].class); }

    /** Deletes messages, sessions and faults, and returns the clock and the certificates to the state before the tests. */
    public void reset() {
        http.send("POST", "/reset", Map.of());
        while (!undo.isEmpty()) undo.pop().run();
    }

    /** Sends a request to any other operation. Returns the octets of the answer. @param body null, or what becomes JSON */
    public byte[] request(String method, String path, Object body) { return http.send(method, path, body); }
    /** Sends a request to any other operation. @param type what Gson makes of the answer, such as {@code Map.class} */
    public <T> T request(String method, String path, Object body, Class<T> type) { return http.send(method, path, body, type); }

    /** Stops the lab if this program has started it. Otherwise removes the faults and restores clock and certificates. */
    @Override public void close() {
        if (stop != null) stop.run();
        else while (!undo.isEmpty()) undo.pop().run();
    }

    /** A fault that the lab injects, until {@link #close()} or a reset. */
    public final class Fault implements AutoCloseable {
        private final String path;

        private Fault(String id) { this.path = "/faults/" + Http.encoded(id); }

        /** Returns how often the fault has happened. */
        public long hits() { return http.get(path, Api.Fault.class).hits(); }

        /** Removes the fault. Has no effect if it does not exist any more. */
        @Override public void close() {
            try {
                http.send("DELETE", path, null);
            } catch (LabException error) {
                if (error.problem == null || error.problem.status() != 404) throw error;
            }
        }
    }

    /** The clock of the lab: certificates and dates follow it, time-outs do not. */
    public final class Clock {
        /** Returns the time of the lab. */
        public Instant now() { return Instant.parse(http.get("/clock", Api.Clock.class).now()); }
        /** Moves the clock forward. */
        public void advance(Duration by) { advance(by.toMillis() + "ms"); }
        /** Goes forward by a text such as 40d. */
        public void advance(String by) { change(Map.of("advance", by)); }
        /** Sets the clock. It goes on from there. */
        public void set(Instant now) { change(Map.of("now", now.toString())); }
        /** Stops the clock until {@code resume()} or a reset. */
        public void freeze() { change(Map.of("frozen", true)); }
        /** Lets a stopped clock go on. */
        public void resume() { change(Map.of("frozen", false)); }
        /** Returns to the time of the machine. */
        public void reset() { http.send("PATCH", "/clock", Map.of("reset", true)); }

        private void change(Map<String, ?> change) {
            undo.push(this::reset);
            http.send("PATCH", "/clock", change);
        }
    }

    /** A virtual server: where clients of a protocol connect. */
    public record Server(Api.VirtualServer facts, String host, IntUnaryOperator portOf) {
        /** Returns the port that begins in clear text, with STARTTLS or STLS. @throws LabException if it is closed */
        public int port() { return open("port", facts.port()); }
        /** Returns the port with implicit TLS. @throws LabException if it is closed */
        public int tlsPort() { return open("tlsPort", facts.tlsPort()); }

        private int open(String kind, Long port) {
            if (port == null) throw new LabException(facts.name() + " has no " + kind, null);
            return portOf.applyAsInt(port.intValue());
        }
    }
}
