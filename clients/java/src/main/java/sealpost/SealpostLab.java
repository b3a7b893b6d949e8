package sealpost;

import java.lang.annotation.*;
import org.junit.jupiter.api.extension.*;

/**
 * Gives a test class of JUnit 5 a lab, as a parameter of the type {@link Lab}: the one at SEALPOST_URL, or else a process that
 * ends with the tests. All classes with the same configuration share it, and it is reset before each test.
 */
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@ExtendWith(SealpostLab.Extension.class)
public @interface SealpostLab {
    /** The configuration of a lab that is started: YAML or JSON with the keys of the YAML file. */
    String config() default "{}";

    final class Extension implements BeforeEachCallback, ParameterResolver {
        @Override public void beforeEach(ExtensionContext context) { labOf(context).reset(); }

        @Override public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == Lab.class;
        }

        @Override public Object resolveParameter(ParameterContext parameter, ExtensionContext context) { return labOf(context); }

        private static Lab labOf(ExtensionContext context) {
            // A nested class has the annotation of the class around it.
            Class<?> type = context.getRequiredTestClass();
            while (type.getAnnotation(SealpostLab.class) == null) type = type.getEnclosingClass();
            var config = type.getAnnotation(SealpostLab.class).config();
            var store = context.getRoot().getStore(ExtensionContext.Namespace.create(SealpostLab.class));
            return store.getOrComputeIfAbsent(config, Shared::new, Shared.class).lab;
        }
    }

    /** JUnit closes it after the last test. */
    record Shared(Lab lab) implements ExtensionContext.Store.CloseableResource {
        Shared(String config) { this(Lab.isNamed() ? Lab.connect() : Lab.start(config)); }

        @Override public void close() { lab.close(); }
    }
}
