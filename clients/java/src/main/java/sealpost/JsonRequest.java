package sealpost;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** A request of the HTTP API. */
public abstract class JsonRequest {
    final Map<String, Object> json = new LinkedHashMap<>();

    /** @throws IllegalArgumentException for null: a filter without the key would match any message */
    void put(String key, Object value) {
        if (value == null) throw new IllegalArgumentException(key + " is null; leave it out");
        json.put(key, value instanceof Object[] ? Arrays.asList((Object[]) value) : value);
    }
}
