package sealpost;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;

/** Sends requests to the HTTP API of a lab. */
final class Http {
    /** Longer than the longest wait, whose own time-out says what arrived. */
    private static final Duration TIMEOUT = Duration.ofMinutes(6);

    /** Labs are on this machine or in its network: a proxy for the web would not find them. */
    private final HttpClient client =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).proxy(HttpClient.Builder.NO_PROXY).build();
    private final String url;
    private final String token;

    Http(String url, String token) {
        this.url = url.replaceAll("/+$", "");
        this.token = token;
    }

    /** Returns parsed JSON, octets, or null without content. @param body null, octets of a message, or what becomes JSON */
    Object send(String method, String path, Map<String, ?> query, Object body) {
        var parameters = query.entrySet().stream().filter(one -> one.getValue() != null)
            .map(one -> one.getKey() + "=" + encoded(one.getValue())).collect(Collectors.joining("&"));
        var request = HttpRequest.newBuilder(URI.create(url + "/api/v1" + path + (parameters.isEmpty() ? "" : "?" + parameters)));
        if (token != null && !token.isEmpty()) request.header("Authorization", "Bearer " + token);
        if (body != null) request.header("Content-Type", body instanceof byte[] ? "message/rfc822" : "application/json");
        var content = body == null ? BodyPublishers.noBody()
            : BodyPublishers.ofByteArray(body instanceof byte[] ? (byte[]) body : Json.write(body).getBytes(StandardCharsets.UTF_8));
        return contentOf(answerTo(request.timeout(TIMEOUT).method(method, content).build()));
    }

    Object get(String path) {
        return send("GET", path, Map.of(), null);
    }

    static String encoded(Object value) {
        return URLEncoder.encode(String.valueOf(value), StandardCharsets.UTF_8).replace("+", "%20");
    }

    private HttpResponse<byte[]> answerTo(HttpRequest request) {
        try {
            return client.send(request, BodyHandlers.ofByteArray());
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted while waiting for " + url, error);
        } catch (IOException error) {
            var hint = "; start a lab with `npx sealpost start`, or set SEALPOST_URL";
            throw new LabException(url + " cannot be reached: " + error + hint, error);
        }
    }

    private static Object contentOf(HttpResponse<byte[]> answer) {
        var type = answer.headers().firstValue("content-type").orElse("").split(";")[0];
        if (type.equals("application/problem+json")) {
            var problem = new Api.Problem(Json.read(new String(answer.body(), StandardCharsets.UTF_8)));
            if (problem.type().endsWith("wait-timeout")) throw new WaitTimeout(problem);
            if (problem.type().endsWith("something-sent")) throw new AssertionError(WaitTimeout.describe(problem));
            throw new LabException(problem);
        }
        if (answer.statusCode() >= 300)
            throw new LabException(answer.uri() + " answers " + answer.statusCode() + ": is it a Sealpost lab?", null);
        if (type.equals("application/json")) return Json.read(new String(answer.body(), StandardCharsets.UTF_8));
        return answer.body().length == 0 ? null : answer.body();
    }
}
