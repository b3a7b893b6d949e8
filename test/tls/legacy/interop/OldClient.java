import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * Runs jobs from standard input, one per line: port, versions, suite and steps, separated by tabs. Steps are separated by
 * spaces: T (handshake), S and text (send), or E and text (read to the end of the line that contains it). Texts are
 * percent-encoded. Argument: PEM of the roots to trust. Prints one line per job: "ok VERSION SUITE", or "failed REASON".
 */
public class OldClient {
    static final int TIMEOUT_MS = 20_000;

    public static void main(String[] arguments) throws Exception {
        for (String key : new String[] {"jdk.tls.disabledAlgorithms", "jdk.certpath.disabledAlgorithms", "jdk.tls.legacyAlgorithms"}) {
            Security.setProperty(key, "");
        }
        SSLContext context = trusting(Path.of(arguments[0]));
        BufferedReader jobs = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String job = jobs.readLine(); job != null; job = jobs.readLine()) {
            String result;
            try {
                result = run(context, job.split("\t"));
            } catch (Exception error) {
                result = "failed " + error.getMessage();
            }
            System.out.println(result.replace('\n', ' '));
        }
    }

    static SSLContext trusting(Path rootPem) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        int count = 0;
        for (Certificate root : factory.generateCertificates(new ByteArrayInputStream(Files.readAllBytes(rootPem)))) {
            trusted.setCertificateEntry("root" + count++, root);
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance("PKIX");
        managers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }

    static String run(SSLContext context, String[] job) throws Exception {
        int port = Integer.parseInt(job[0]);
        Socket socket = new Socket();
        socket.connect(new InetSocketAddress("127.0.0.1", port), TIMEOUT_MS);
        socket.setSoTimeout(TIMEOUT_MS);
        String agreed = "clear text";
        try {
            for (String step : job[3].split(" ")) {
                String text = URLDecoder.decode(step.substring(1), StandardCharsets.UTF_8);
                switch (step.charAt(0)) {
                    case 'T' -> {
                        SSLSocket secure = secure(context, socket, port, job[1].split(","), job[2]);
                        agreed = secure.getSession().getProtocol() + " " + secure.getSession().getCipherSuite();
                        socket = secure;
                    }
                    case 'S' -> {
                        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
                        socket.getOutputStream().flush();
                    }
                    default -> expect(socket.getInputStream(), text);
                }
            }
        } finally {
            socket.close();
        }
        return "ok " + agreed;
    }

    static SSLSocket secure(SSLContext context, Socket raw, int port, String[] versions, String suite) throws IOException {
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(raw, "localhost", port, true);
        socket.setEnabledProtocols(versions);
        socket.setEnabledCipherSuites(new String[] {suite});
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    static void expect(InputStream input, String text) throws IOException {
        StringBuilder got = new StringBuilder();
        while (got.indexOf(text) < 0 || got.charAt(got.length() - 1) != '\n') {
            int octet = input.read();
            if (octet < 0) throw new IOException("closed instead of " + text + ", after " + got);
            got.append((char) octet);
        }
    }
}
