package sealpost;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A JSON object of the HTTP API. */
public abstract class JsonView {
    private final Map<?, ?> json;

    JsonView(Object json) {
        this.json = (Map<?, ?>) json;
    }

    /** Returns any member: a text, Long, Double, Boolean, List or Map; null if it is null or absent. */
    public Object get(String key) {
        return json.get(key);
    }

    <T> T get(String key, Function<Object, T> read) {
        var value = json.get(key);
        return value == null ? null : read.apply(value);
    }

    static <T> List<T> list(Object value, Function<Object, T> read) {
        var found = new ArrayList<T>();
        for (var one : (List<?>) value) found.add(read.apply(one));
        return found;
    }

    static <T> Map<String, T> map(Object value, Function<Object, T> read) {
        var found = new LinkedHashMap<String, T>();
        ((Map<?, ?>) value).forEach((key, one) -> found.put((String) key, one == null ? null : read.apply(one)));
        return found;
    }

    /** Returns the object as JSON. */
    @Override public String toString() {
        return Json.write(json);
    }
}
