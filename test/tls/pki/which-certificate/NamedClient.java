import java.io.FileInputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** Connects to ports of 127.0.0.1, and prints those whose certificate Java accepts: NamedClient ROOTS PORT NAME [PORT NAME]... */
public class NamedClient {
  public static void main(String[] args) throws Exception {
    KeyStore roots = KeyStore.getInstance(KeyStore.getDefaultType());
    roots.load(null, null);
    try (FileInputStream file = new FileInputStream(args[0])) {
      for (Certificate root : CertificateFactory.getInstance("X.509").generateCertificates(file)) {
        roots.setCertificateEntry("root" + root.hashCode(), root);
      }
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(roots);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    for (int at = 1; at + 1 < args.length; at += 2) {
      Socket plain = new Socket("127.0.0.1", Integer.parseInt(args[at]));
      plain.setSoTimeout(20_000);
      try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, args[at + 1], plain.getPort(), true)) {
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        System.out.println(args[at]);
      } catch (Exception error) {
        System.err.println(args[at] + ": " + error);
      }
    }
  }
}
