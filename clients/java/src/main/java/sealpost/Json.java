package sealpost;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads and writes JSON (RFC 8259): objects are maps, arrays are lists, numbers are Long or Double. */
final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    static Object read(String text) {
        var json = new Json(text);
        var value = json.value();
        if (json.next() != '\0') throw json.mistake();
        return value;
    }

    private Object value() {
        switch (next()) {
            case '{': return object();
            case '[': return array();
            case '"': return string();
            case 't': return word("true", true);
            case 'f': return word("false", false);
            case 'n': return word("null", null);
            default: return number();
        }
    }

    /** Returns the next character that is no white space, and 0 at the end. */
    private char next() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
        return at < text.length() ? text.charAt(at) : '\0';
    }

    private boolean skip(char expected) {
        if (next() != expected) return false;
        at++;
        return true;
    }

    private void expect(char expected) {
        if (!skip(expected)) throw mistake();
    }

    private Map<String, Object> object() {
        var found = new LinkedHashMap<String, Object>();
        expect('{');
        if (skip('}')) return found;
        do {
            next();
            var key = string();
            expect(':');
            found.put(key, value());
        } while (skip(','));
        expect('}');
        return found;
    }

    private List<Object> array() {
        var found = new ArrayList<>();
        expect('[');
        if (skip(']')) return found;
        do found.add(value()); while (skip(','));
        expect(']');
        return found;
    }

    private String string() {
        expect('"');
        var found = new StringBuilder();
        for (; at < text.length() && text.charAt(at) != '"'; at++)
            found.append(text.charAt(at) == '\\' ? escaped() : text.charAt(at));
        expect('"');
        return found.toString();
    }

    private char escaped() {
        var letter = text.charAt(++at);
        var control = "bfnrt".indexOf(letter);
        if (letter != 'u') return control < 0 ? letter : "\b\f\n\r\t".charAt(control);
        at += 4;
        return (char) Integer.parseInt(text.substring(at - 3, at + 1), 16);
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) throw mistake();
        at += word.length();
        return value;
    }

    private Object number() {
        int start = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) at++;
        var digits = text.substring(start, at);
        if (digits.isEmpty()) throw mistake();
        if (digits.matches("-?\\d+")) return Long.valueOf(digits);
        return Double.valueOf(digits);
    }

    private IllegalArgumentException mistake() {
        return new IllegalArgumentException("not JSON at character " + at + ": " + text.substring(Math.min(at, text.length())));
    }

    static String write(Object value) {
        if (value instanceof JsonRequest) return write(((JsonRequest) value).json);
        var items = new ArrayList<String>();
        if (value instanceof Map) {
            ((Map<?, ?>) value).forEach((key, one) -> items.add(write(key) + ":" + write(one)));
            return "{" + String.join(",", items) + "}";
        }
        if (value instanceof Iterable) {
            ((Iterable<?>) value).forEach(one -> items.add(write(one)));
            return "[" + String.join(",", items) + "]";
        }
        return value instanceof String ? quoted((String) value) : String.valueOf(value);
    }

    private static String quoted(String text) {
        var written = new StringBuilder("\"");
        for (char one : text.toCharArray())
            written.append(one < ' ' || one == '"' || one == '\\' ? String.format("\\u%04x", (int) one) : one);
        return written.append('"').toString();
    }
}
