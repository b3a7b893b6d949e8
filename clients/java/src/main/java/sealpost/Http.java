package sealpost;

import com.google.gson.*;
import java.io.IOException;
import java.net.*;
import java.net.http.*;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/** Sends requests to the HTTP API of a lab. */
final class Http {
    static final Gson JSON = new GsonBuilder().setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE).create();

    /** Labs are on this machine or in its network: a proxy for the web would not find them. */
    private final HttpClient client =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).proxy(HttpClient.Builder.NO_PROXY).build();
    private final String url;
    private final String token;

    Http(String url, String token) {
        this.url = url.replaceAll("/+$", "");
        this.token = token == null ? "" : token;
    }

    /** Returns the octets of the answer. @param body null, octets of a message, or what becomes JSON */
    byte[] send(String method, String path, Object body) {
        // Longer than the longest wait, whose own time-out says what arrived.
        var request = HttpRequest.newBuilder(URI.create(url + "/api/v1" + path)).timeout(Duration.ofMinutes(6));
        if (!token.isEmpty()) request.header("Authorization", "Bearer " + token);
        request.header("Content-Type", body instanceof byte[] ? "message/rfc822" : "application/json");
        // The text of a JsonElement has the members that are null.
        var json = body instanceof JsonElement ? body.toString() : JSON.toJson(body);
        var content = body instanceof byte[] octets ? octets : json.getBytes(StandardCharsets.UTF_8);
        request.method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofByteArray(content));
        var answer = answerTo(request.build());
        if (answer.headers().firstValue("content-type").orElse("").startsWith("application/problem+json")) {
            var problem = read(answer.body(), Api.Problem.class);
            if (problem.type().endsWith("wait-timeout")) throw new WaitTimeout(problem);
            if (problem.type().endsWith("something-sent")) throw new AssertionError(problem.report());
            throw new LabException(problem);
        }
        if (answer.statusCode() < 300) return answer.body();
        throw new LabException(answer.uri() + " answers " + answer.statusCode() + ": is it a Sealpost lab?", null);
    }

    <T> T send(String method, String path, Object body, Class<T> type) { return read(send(method, path, body), type); }
    <T> T get(String path, Class<T> type) { return send("GET", path, null, type); }
    <T> List<T> list(String path, Class<T[]> type) { return List.of(JSON.fromJson(get(path, JsonObject.class).get("items"), type)); }
    static <T> T read(byte[] json, Class<T> type) { return JSON.fromJson(new String(json, StandardCharsets.UTF_8), type); }
    static String encoded(String value) { return URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20"); }

    private HttpResponse<byte[]> answerTo(HttpRequest request) {
        try {
            return client.send(request, HttpResponse.BodyHandlers.ofByteArray());
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted while waiting for " + url, error);
        } catch (IOException error) {
            var hint = "; start a lab with `npx sealpost start`, or set SEALPOST_URL";
            throw new LabException(url + " cannot be reached: " + error + hint, error);
        }
    }
}
