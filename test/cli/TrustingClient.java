import java.io.BufferedReader;
import java.io.InputStreamReader;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/** Reads a greeting by TLS with the roots of the JDK. Ends with status 1 if the certificate is not accepted. */
class TrustingClient {
  public static void main(String[] args) throws Exception {
    SSLSocket socket = (SSLSocket) SSLSocketFactory.getDefault().createSocket(args[0], Integer.parseInt(args[1]));
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    socket.setSSLParameters(parameters);
    socket.startHandshake();
    System.out.println(new BufferedReader(new InputStreamReader(socket.getInputStream())).readLine());
    socket.close();
  }
}
