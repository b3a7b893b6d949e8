package sealpost;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/** Starts labs as processes. */
final class LabProcess {
    private static final int START_S = 60;
    private static final int STOP_S = 30;
    private static final List<String> PROTOCOLS = List.of("smtp", "pop3", "imap4", "nntp");

    private LabProcess() {}

    static Lab start(String config) {
        var words = new ArrayList<>(List.of(System.getenv().getOrDefault("SEALPOST_COMMAND", "npx sealpost").split(" ")));
        if (File.separatorChar == '\\' && words.get(0).equals("npx")) words.set(0, "npx.cmd");
        words.addAll(List.of("start", "--json"));
        var token = UUID.randomUUID().toString();
        var builder = new ProcessBuilder(words);
        builder.environment().keySet().removeIf(name -> name.startsWith("SEALPOST_"));
        builder.environment().put("SEALPOST_CONFIG", Json.write(completed(config, token)));
        try {
            var log = Files.createTempFile("sealpost", ".log");
            log.toFile().deleteOnExit();
            var process = builder.redirectError(log.toFile()).start();
            var hook = new Thread(() -> end(process));
            Runtime.getRuntime().addShutdownHook(hook);
            Runnable stop = () -> {
                Runtime.getRuntime().removeShutdownHook(hook);
                end(process);
                log.toFile().delete();
            };
            try {
                return new Lab("http://localhost:" + apiPort(process), token, port -> port, stop);
            } catch (ExecutionException | TimeoutException | InterruptedException error) {
                end(process);
                var printed = new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
                stop.run();
                if (error instanceof InterruptedException) Thread.currentThread().interrupt();
                throw new LabException("the lab was not ready within " + START_S + " s, or has ended; its log:\n" + printed.strip(), error);
            }
        } catch (IOException error) {
            throw new LabException(words.get(0) + " cannot be started: " + error.getMessage() + "; install Sealpost, or set SEALPOST_COMMAND", error);
        }
    }

    /** Ends the lab, and the program that started it, such as npx. */
    private static void end(Process process) {
        var all = process.descendants().collect(Collectors.toList());
        all.forEach(ProcessHandle::destroy);
        process.destroy();
        process.onExit().completeOnTimeout(null, STOP_S, TimeUnit.SECONDS).join();
        all.forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    /** Returns the port of the API when the lab is ready. Reads the output of the lab until it ends. */
    private static int apiPort(Process process) throws ExecutionException, TimeoutException, InterruptedException {
        var port = new CompletableFuture<Integer>();
        var reader = new Thread(() -> {
            try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (var line = lines.readLine(); line != null; line = lines.readLine())
                    if (line.startsWith("{\"event\":\"ready\"")) port.complete(portIn(line));
            } catch (IOException | RuntimeException error) {
                port.completeExceptionally(error);
            }
            port.completeExceptionally(new IOException("the lab has ended"));
        });
        reader.setDaemon(true);
        reader.start();
        return port.get(START_S, TimeUnit.SECONDS);
    }

    private static int portIn(String ready) {
        for (var one : (List<?>) ((Map<?, ?>) Json.read(ready)).get("endpoints"))
            if ("http".equals(((Map<?, ?>) one).get("protocol")) && ((Map<?, ?>) one).get("port") != null) return ((Long) ((Map<?, ?>) one).get("port")).intValue();
        throw new IllegalStateException("the lab has no HTTP virtual server with a port in clear text: " + ready);
    }

    /** Returns a configuration with what suits tests, as `startLab()` of Node.js has it, and an HTTP virtual server. */
    private static Map<String, Object> completed(String text, String token) {
        var given = JsonView.map(Json.read(text), one -> one);
        var config = new LinkedHashMap<String, Object>();
        config.put("certificates", Map.of("store", "memory", "key", "p256"));
        config.put("newsgroups", List.of(Map.of("name", "lab.general", "description", "General talk")));
        config.putAll(given);
        var directory = new LinkedHashMap<String, Object>();
        var listed = JsonView.map(given.getOrDefault("directory", Map.of()), one -> one);
        directory.put("mode", listed.containsKey("accounts") || listed.containsKey("accountFiles") ? "listed" : "open");
        directory.putAll(listed);
        config.put("directory", directory);
        var tokens = new ArrayList<Object>((List<?>) given.getOrDefault("tokens", List.of()));
        tokens.add(Map.of("name", "java-client", "token", token));
        config.put("tokens", tokens);
        var servers = new ArrayList<Map<String, Object>>();
        if (given.containsKey("virtualServers")) {
            for (var one : (List<?>) given.get("virtualServers")) servers.add(JsonView.map(one, value -> value));
        } else {
            for (var protocol : PROTOCOLS) servers.add(new LinkedHashMap<>(Map.of("protocol", protocol)));
        }
        for (var one : servers) {
            one.putIfAbsent("port", 0);
            if (!"none".equals(one.getOrDefault("certificate", given.get("certificate")))) one.putIfAbsent("tlsPort", 0);
        }
        if (servers.stream().noneMatch(one -> "http".equals(one.get("protocol"))))
            servers.add(Map.of("protocol", "http", "port", 0, "tlsPort", "off"));
        config.put("virtualServers", servers);
        return config;
    }
}
